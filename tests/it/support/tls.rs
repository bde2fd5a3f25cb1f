//! A certificate that nobody but its test trusts.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// For `127.0.0.1`, signed by itself.
#[derive(Debug)]
pub(crate) struct Certificate {
    der: CertificateDer<'static>,
    /// As a server reads it.
    pub(crate) pem: String,
    /// Its private key.
    pub(crate) key: String,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        Self { der: made.cert.der().clone(), pem: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    /// A client that trusts this one.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        client(roots)
    }

    /// In what protocol a server speaks to a client that knows `protocols`.
    pub(crate) async fn spoken(&self, addr: SocketAddr, protocols: &[&str]) -> Option<String> {
        let mut config = self.client();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(addr).await.unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(addr.ip().into(), stream).await.unwrap();
        stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8(name.to_vec()).unwrap())
    }
}

/// A client that trusts `roots`.
pub(crate) fn client(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    versions.with_root_certificates(roots).with_no_client_auth()
}
