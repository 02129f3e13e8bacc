//! Who may speak to the sandbox, and how they know it: a certificate authority of its own, its clients' certificates, and a token.

mod peer;

use std::sync::Arc;

use base64::Engine as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use sha2::{Digest as _, Sha256};

pub(crate) use peer::Peer;

/// Why no authority could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate could not be made; a host's name may be none.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be served.
    #[error("cannot serve with that certificate: {0}")]
    Rustls(#[from] rustls::Error),
    /// The certificates of clients cannot be verified.
    #[error("cannot verify clients: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// A client's certificate and its key, as PEM.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

/// A certificate authority that lives as long as the process, the server's certificate, and the administrator's token.
#[derive(Clone)]
pub struct Authority {
    ca: String,
    root: CertificateDer<'static>,
    issuer: Arc<Issuer<'static, KeyPair>>,
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
        let own = root.self_signed(&root_key)?;
        let (ca, root_certificate) = (own.pem(), own.der().clone());
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
        Ok(Self {
            ca,
            root: root_certificate,
            issuer: Arc::new(issuer),
            certificate,
            key: Arc::new(PrivatePkcs8KeyDer::from(key.serialize_der())),
            token,
        })
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

    /// Makes a certificate with which its bearer is a user (its subject's common name) in a group (its organization).
    ///
    /// # Errors
    /// No key can be made.
    pub fn client(&self, user: &str, group: &str) -> Result<ClientCertificate, TlsError> {
        let mut params = CertificateParams::new(Vec::new())?;
        let mut subject = rcgen::DistinguishedName::new();
        subject.push(DnType::OrganizationName, group);
        subject.push(DnType::CommonName, user);
        params.distinguished_name = subject;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate()?;
        Ok(ClientCertificate { certificate: params.signed_by(&key, &*self.issuer)?.pem(), key: key.serialize_pem() })
    }

    /// The server's side of TLS, for HTTP/1.1 and HTTP/2. It asks for certificates of clients that this authority has signed, and does without. As
    /// with a kube-apiserver, one of somebody else's is let in and proves nothing: what is asked with it alone is answered with 401.
    ///
    /// # Errors
    /// The certificate and its key do not fit, which they do.
    pub fn server_tls(&self) -> Result<ServerTls, TlsError> {
        // Handed in, not taken from the process: nobody else's choice of a provider matters here.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(self.key.clone_key());
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone())?;
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).allow_unauthenticated().build()?;
        let anyone = peer::Anyone { inner: clients.clone(), algorithms: provider.signature_verification_algorithms };
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::new(anyone))
            .with_single_cert(vec![self.certificate.clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(ServerTls { config: Arc::new(config), clients })
    }
}

/// How a server speaks TLS, and whose clients' certificates it believes. Made by [`Authority::server_tls`].
#[derive(Debug, Clone)]
pub struct ServerTls {
    pub(crate) config: Arc<rustls::ServerConfig>,
    clients: Arc<dyn rustls::server::danger::ClientCertVerifier>,
}

impl ServerTls {
    /// Whom a client's certificates name, its own first; none when it showed none, or one that names nobody.
    pub(crate) fn peer(&self, certificates: Option<&[CertificateDer<'static>]>) -> Option<Peer> {
        let (own, intermediates) = certificates?.split_first()?;
        match self.clients.verify_client_cert(own, intermediates, UnixTime::now()) {
            Ok(_) => Peer::of(own),
            Err(error) => {
                tracing::debug!(%error, "a client's certificate is not believed");
                Some(Peer::Unknown)
            }
        }
    }
}

/// The kubeconfig with which kubectl, or any client, reaches the sandbox at `url` (`https://127.0.0.1:6443`) as its administrator, by token.
#[must_use]
pub fn kubeconfig(url: &str, authority: &Authority) -> String {
    written(url, authority, &format!("token: {}", authority.token()))
}

/// The kubeconfig of whom a certificate names.
#[must_use]
pub fn kubeconfig_with_certificate(url: &str, authority: &Authority, client: &ClientCertificate) -> String {
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let (certificate, key) = (base64(&client.certificate), base64(&client.key));
    written(url, authority, &format!("client-certificate-data: {certificate}\n    client-key-data: {key}"))
}

fn written(url: &str, authority: &Authority, user: &str) -> String {
    let ca = base64::engine::general_purpose::STANDARD.encode(authority.ca_pem());
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
    {user}
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
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn a_kubeconfig_holds_all_that_a_client_needs() {
        let authority = Authority::new(&["sandbox".to_owned(), "10.0.0.1".to_owned()]).unwrap();
        let text = kubeconfig("https://127.0.0.1:1", &authority);
        let parsed: kube::config::Kubeconfig = kube::config::Kubeconfig::from_yaml(&text).unwrap();
        assert_eq!(parsed.current_context.as_deref(), Some("sandbox"));
        assert_eq!(parsed.clusters[0].cluster.as_ref().unwrap().server.as_deref(), Some("https://127.0.0.1:1"));
        assert!(authority.server_tls().is_ok());
    }

    #[test]
    fn a_certificate_names_a_user_and_their_group() {
        let authority = Authority::new(&[]).unwrap();
        let client = authority.client("jane", "developers").unwrap();
        let parsed = rustls::pki_types::pem::PemObject::from_pem_slice(client.certificate.as_bytes());
        let parsed: CertificateDer<'_> = parsed.unwrap();
        assert_eq!(Peer::of(&parsed), Some(Peer::Known { name: "jane".to_owned(), groups: vec!["developers".to_owned()] }));
        assert_eq!(Peer::of(&parsed[1..]), None);
        assert!(!format!("{client:?}").contains("PRIVATE"), "the key shows in debug output");
    }

    #[test]
    fn two_authorities_have_nothing_in_common() {
        let (one, other) = (Authority::new(&[]).unwrap(), Authority::new(&[]).unwrap());
        assert_ne!(one.token(), other.token());
        assert_ne!(one.ca_pem(), other.ca_pem());
        assert!(!format!("{one:?}").contains(one.token()), "the token shows in debug output");
    }

    /// Made with `openssl x509 -req`, which without extensions makes X.509's first version; signed by nobody that is known.
    const FIRST_VERSION: &str = include_str!("../tests/data/first-version.pem");

    /// Takes what one side has to say to the other.
    fn carry<F, T>(from: &mut rustls::ConnectionCommon<F>, to: &mut rustls::ConnectionCommon<T>) -> Result<(), rustls::Error> {
        let mut said = Vec::new();
        while from.wants_write() {
            from.write_tls(&mut said).unwrap();
        }
        let mut said = said.as_slice();
        while !said.is_empty() {
            to.read_tls(&mut said).unwrap();
            to.process_new_packets()?;
        }
        Ok(())
    }

    /// Whom a server takes the bearer of a certificate and a key for; the error that ends their connection.
    fn meet(
        authority: &Authority,
        key: PrivateKeyDer<'static>,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> Result<Option<Peer>, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(authority.root.clone())?;
        let certificate = CertificateDer::from_pem_slice(FIRST_VERSION.as_bytes()).unwrap();
        let shown = rustls::sign::CertifiedKey::new(vec![certificate], provider.key_provider.load_private_key(key)?);
        let config =
            rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version])?.with_root_certificates(roots);
        let config = config.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(shown)));
        let tls = authority.server_tls().unwrap();
        let mut client = rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap())?;
        let mut server = rustls::ServerConnection::new(tls.config.clone())?;
        while client.is_handshaking() || server.is_handshaking() {
            carry(&mut client, &mut server)?;
            carry(&mut server, &mut client)?;
        }
        Ok(tls.peer(server.peer_certificates()))
    }

    #[test]
    fn a_certificate_of_the_first_version_proves_nothing_and_ends_no_connection() {
        let authority = Authority::new(&[]).unwrap();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let key = || PrivateKeyDer::from_pem_slice(FIRST_VERSION.as_bytes()).unwrap();
            assert_eq!(meet(&authority, key(), version), Ok(Some(Peer::Unknown)), "{version:?}");
            // Whoever has not its key does not get so far.
            let other = PrivateKeyDer::Pkcs8(KeyPair::generate().unwrap().serialize_der().into());
            assert!(meet(&authority, other, version).is_err(), "{version:?}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        assert!(Authority::new(&["ü".to_owned()]).is_err());
    }
}
