//! What a client's certificate says of its bearer.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_cert::Version;
use x509_cert::der::asn1::{PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _, Tag, Tagged as _};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// Whom a client's certificate names. A server puts it into each request's extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A certificate of an authority that is believed.
    Known {
        /// The subject's common name.
        name: String,
        /// The subject's organizations.
        groups: Vec<String>,
    },
    /// A certificate that proves nothing here: of another authority, out of date, or of X.509's first version.
    Unknown,
}

impl Peer {
    /// Reads a certificate that is believed; none when its subject has no common name. As in Go, the last common name counts.
    pub(crate) fn of(certificate: &[u8]) -> Option<Self> {
        let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
        let (mut name, mut groups) = (None, Vec::new());
        for attribute in certificate.tbs_certificate().subject().iter() {
            let text = match attribute.value.tag() {
                Tag::Utf8String => attribute.value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned()),
                Tag::TeletexString => attribute.value.decode_as::<TeletexStringRef<'_>>().map(|text| text.as_str().to_owned()),
                _ => attribute.value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned()),
            };
            match attribute.oid {
                COMMON_NAME => name = Some(text.ok()?),
                ORGANIZATION => groups.push(text.ok()?),
                _ => {}
            }
        }
        name.filter(|name| !name.is_empty()).map(|name| Self::Known { name, groups })
    }
}

/// Lets every certificate through the handshake whose key its bearer has; whether it is believed is asked later, with the verifier inside.
#[derive(Debug)]
pub(super) struct Anyone {
    pub(super) inner: Arc<dyn ClientCertVerifier>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// The key of a certificate of X.509's first version, which webpki does not read; none of others. A kube-apiserver reads them, and here none of them can
/// be believed: the sandbox's authority signs no such ones. What follows from it is 401 then, and no end of the connection.
fn first_version(certificate: &[u8]) -> Option<SubjectPublicKeyInfoOwned> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    let content = certificate.tbs_certificate();
    (content.version() == Version::V1).then(|| content.subject_public_key_info().clone())
}

/// Whether the bearer of a key signed a message, in TLS 1.2: as webpki does it, with one of the algorithms of the signature's scheme that fits the key.
fn signed(
    key: &SubjectPublicKeyInfoOwned,
    message: &[u8],
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let bad = || Error::InvalidCertificate(rustls::CertificateError::BadSignature);
    let id = key.algorithm.to_der().map_err(|_| bad())?;
    let bits = key.subject_public_key.as_bytes().ok_or_else(bad)?;
    let of_scheme = algorithms.mapping.iter().filter(|(scheme, _)| *scheme == signature.scheme).flat_map(|(_, all)| *all);
    // The algorithm's name stands in the key behind two bytes, of which the second is the length.
    let mut fitting = of_scheme.filter(|algorithm| id.get(2..) == Some(algorithm.public_key_alg_id().as_ref()));
    let valid = fitting.any(|algorithm| algorithm.verify_signature(bits, message, signature.signature()).is_ok());
    valid.then(HandshakeSignatureValid::assertion).ok_or_else(bad)
}

impl ClientCertVerifier for Anyone {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(&self, _: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: UnixTime) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match first_version(certificate) {
            Some(key) => signed(&key, message, signature, &self.algorithms),
            None => self.inner.verify_tls12_signature(message, certificate, signature),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let Some(key) = first_version(certificate) else {
            return self.inner.verify_tls13_signature(message, certificate, signature);
        };
        let key = key.to_der().map_err(|_| Error::InvalidCertificate(rustls::CertificateError::BadEncoding))?;
        verify_tls13_signature_with_raw_key(message, &key.into(), signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
