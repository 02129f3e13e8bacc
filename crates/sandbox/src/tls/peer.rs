//! What a client's certificate says of its bearer.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_cert::der::asn1::{PrintableStringRef, TeletexStringRef, Utf8StringRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode as _, Tag, Tagged as _};

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
    /// A certificate that proves nothing here: of another authority, or out of date.
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
pub(super) struct Anyone(pub(super) Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Anyone {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
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
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
