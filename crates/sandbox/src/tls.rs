//! Who may speak to the sandbox, and how they know it: a certificate authority of its own, and a token.

use std::sync::Arc;

use base64::Engine as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

/// Why no authority could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate could not be made; a host's name may be none.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be served.
    #[error("cannot serve with that certificate: {0}")]
    Rustls(#[from] rustls::Error),
}

/// A certificate authority that lives as long as the process, the server's certificate, and the administrator's token.
#[derive(Clone)]
pub struct Authority {
    ca: String,
    certificate: CertificateDer<'static>,
    key: Arc<PrivatePkcs8KeyDer<'static>>,
    token: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes a new one, whose server goes by these names and addresses; `localhost` and `127.0.0.1` are always among them.
    ///
    /// # Errors
    /// A name that is none.
    pub fn new(hosts: &[String]) -> Result<Self, TlsError> {
        let mut root = CertificateParams::new(Vec::new())?;
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        root.distinguished_name.push(DnType::CommonName, "fiel-sandbox-ca");
        let root_key = KeyPair::generate()?;
        let ca = root.self_signed(&root_key)?.pem();
        let issuer = Issuer::new(root, root_key);

        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "kubernetes.default.svc".to_owned()];
        names.extend(hosts.iter().filter(|host| !host.is_empty()).cloned());
        names.sort();
        names.dedup();
        let mut server = CertificateParams::new(names)?;
        server.distinguished_name.push(DnType::CommonName, "fiel-sandbox");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &issuer)?.der().clone();
        // The key is fresh and known to nobody; so is what is derived from it.
        let digest = Sha256::new_with_prefix(b"the administrator's token").chain_update(key.serialize_der()).finalize();
        let token = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
        Ok(Self { ca, certificate, key: Arc::new(PrivatePkcs8KeyDer::from(key.serialize_der())), token })
    }

    /// The authority's certificate, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca
    }

    /// What the administrator presents as `Authorization: Bearer TOKEN`.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The server's side of TLS, for HTTP/1.1 and HTTP/2.
    ///
    /// # Errors
    /// The certificate and its key do not fit, which they do.
    pub fn server_config(&self) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        // Handed in, not taken from the process: nobody else's choice of a provider matters here.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(self.key.clone_key());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// The kubeconfig with which kubectl, or any client, reaches the sandbox at `url` (`https://127.0.0.1:6443`) as its administrator.
#[must_use]
pub fn kubeconfig(url: &str, authority: &Authority) -> String {
    let ca = base64::engine::general_purpose::STANDARD.encode(authority.ca_pem());
    let token = authority.token();
    format!(
        "\
apiVersion: v1
kind: Config
clusters:
- name: sandbox
  cluster:
    server: {url}
    certificate-authority-data: {ca}
users:
- name: admin
  user:
    token: {token}
contexts:
- name: sandbox
  context:
    cluster: sandbox
    user: admin
current-context: sandbox
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_holds_all_that_a_client_needs() {
        let authority = Authority::new(&["sandbox".to_owned(), "10.0.0.1".to_owned()]).unwrap();
        let text = kubeconfig("https://127.0.0.1:1", &authority);
        let parsed: kube::config::Kubeconfig = kube::config::Kubeconfig::from_yaml(&text).unwrap();
        assert_eq!(parsed.current_context.as_deref(), Some("sandbox"));
        assert_eq!(parsed.clusters[0].cluster.as_ref().unwrap().server.as_deref(), Some("https://127.0.0.1:1"));
        assert!(authority.server_config().is_ok());
    }

    #[test]
    fn two_authorities_have_nothing_in_common() {
        let (one, other) = (Authority::new(&[]).unwrap(), Authority::new(&[]).unwrap());
        assert_ne!(one.token(), other.token());
        assert_ne!(one.ca_pem(), other.ca_pem());
        assert!(!format!("{one:?}").contains(one.token()), "the token shows in debug output");
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        assert!(Authority::new(&["ü".to_owned()]).is_err());
    }
}
