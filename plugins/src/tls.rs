//! TLS as the plugins' `sslutils` uses it: any certificate is taken, its end may be judged, and what OpenSSL may be able
//! to do although our library is not is left to the real plugin.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{self, CryptoProvider},
    pki_types::{
        CertificateDer, IpAddr, Ipv4Addr, PrivateKeyDer, ServerName, UnixTime, pem::PemObject,
    },
    version::{TLS12, TLS13},
};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub use crate::certificate::judge_certificate;
use crate::{Foreign, Report, State, hello::Watched};

/// Which versions of TLS are offered, as `--ssl=` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// The newest that both ends know.
    #[default]
    Any,
    /// `--ssl=1.2`.
    Only12,
}

impl Version {
    /// The value of `--ssl=`. A `+` takes newer ones, too: what is older than ours comes about with the real one alone.
    pub fn parse(text: &str) -> Result<Self, Foreign> {
        match text {
            "1+" | "1.1+" | "1.2+" | "3+" => Ok(Self::Any),
            "1.2" => Ok(Self::Only12),
            _ => Err(Foreign::unhandled(format!(
                "version `{text}` of TLS is not one we speak"
            ))),
        }
    }
}

/// What a client shows of itself where a server asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// A chain of certificates in a file (PEM).
    pub certificate: String,
    /// Their key in a file (PEM).
    pub key: String,
}

/// Why no TLS came about.
#[derive(Debug)]
pub enum Failure {
    /// The network's fault: what the plugins print.
    Broken(Report),
    Foreign(Foreign),
}

/// A secure connection. A read gives what is left of one record, never more, as OpenSSL's does: plugins that stop after
/// a part of an answer stop at the same place.
#[derive(Debug)]
pub struct Secure<S>(TlsStream<Watched<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secure<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let record = ready!(Pin::new(&mut self.0).poll_fill_buf(context))?;
        let count = record.len().min(buffer.remaining());
        buffer.put_slice(&record[..count]);
        Pin::new(&mut self.0).consume(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secure<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Whether an error while reading is one of TLS, of which OpenSSL may think otherwise.
pub fn is_of_tls(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<Error>)
}

/// Shakes hands. `sni` None: no name is sent.
pub async fn connect<S>(
    stream: S,
    sni: Option<&str>,
    version: Version,
    identity: Option<&Identity>,
) -> Result<Secure<S>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = match identity {
        None => shared(version),
        Some(identity) => with_identity(version, identity.clone()).await,
    }
    .map_err(Failure::Foreign)?;
    let name = server_name(sni).map_err(Failure::Foreign)?;
    let stream = TlsConnector::from(config)
        .connect(name, Watched::new(stream))
        .await
        .map_err(failure)?;
    let (watched, connection) = stream.get_ref();
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3)
        && !watched.renegotiates_safely()
    {
        return Err(Failure::Foreign(Foreign::unhandled(
            "OpenSSL may not talk to a server that does not renegotiate safely",
        )));
    }
    Ok(Secure(stream))
}

fn server_name(sni: Option<&str>) -> Result<ServerName<'static>, Foreign> {
    let Some(name) = sni else {
        // The library sends no address as a name.
        return Ok(ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([
            127, 0, 0, 1,
        ]))));
    };
    match ServerName::try_from(name.to_owned()) {
        // It would lower the name's letters and drop its last dot; OpenSSL sends it as it is.
        Ok(ServerName::DnsName(dns))
            if !name.ends_with('.') && !name.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            Ok(ServerName::DnsName(dns))
        }
        _ => Err(Foreign::unhandled(format!(
            "OpenSSL sends `{name}` as a server's name, our library does not"
        ))),
    }
}

fn failure(error: io::Error) -> Failure {
    // An end without a word, too, has a line of OpenSSL's own behind it.
    if error.kind() == io::ErrorKind::ConnectionReset {
        return Failure::Broken(Report::new(
            State::Critical,
            "CRITICAL - Cannot make SSL connection.",
        ));
    }
    Failure::Foreign(Foreign::unhandled(format!(
        "no TLS came about, and OpenSSL may know better: {error}"
    )))
}

/// Built once for all checks.
fn shared(version: Version) -> Result<Arc<ClientConfig>, Foreign> {
    static ANY: OnceLock<Option<Arc<ClientConfig>>> = OnceLock::new();
    static ONLY_12: OnceLock<Option<Arc<ClientConfig>>> = OnceLock::new();
    let cell = match version {
        Version::Any => &ANY,
        Version::Only12 => &ONLY_12,
    };
    cell.get_or_init(|| build(version, None).ok().map(Arc::new))
        .clone()
        .ok_or_else(|| Foreign::unhandled("our TLS library does not start"))
}

async fn with_identity(version: Version, identity: Identity) -> Result<Arc<ClientConfig>, Foreign> {
    // Files may lie on a disk that hangs.
    tokio::task::spawn_blocking(move || {
        let cannot = |what: &str| {
            Foreign::unhandled(format!("we cannot use {what}, but the real plugin may"))
        };
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_file_iter(&identity.certificate)
                .and_then(Iterator::collect)
                .map_err(|_| cannot(&identity.certificate))?;
        let key = PrivateKeyDer::from_pem_file(&identity.key).map_err(|_| cannot(&identity.key))?;
        build(version, Some((chain, key)))
            .map(Arc::new)
            .map_err(|_| cannot("this certificate with this key"))
    })
    .await
    .map_err(|_| Foreign::unhandled("the certificate's files were not read"))?
}

type ChainAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn build(version: Version, identity: Option<ChainAndKey>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(crypto::ring::default_provider());
    let versions: &[_] = match version {
        Version::Any => &[&TLS13, &TLS12],
        Version::Only12 => &[&TLS12],
    };
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
    };
    // Each run of the real one shakes hands anew.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Takes every certificate, as the plugins do, if the other end has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The other end's certificate (DER).
pub fn certificate<S>(stream: &Secure<S>) -> Vec<u8> {
    stream
        .0
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first())
        .map(|certificate| certificate.to_vec())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_that_we_speak() {
        assert_eq!(Version::parse("1.2"), Ok(Version::Only12));
        assert_eq!(Version::parse("1.1+"), Ok(Version::Any));
        for other in ["", "1", "1.1", "2", "3", "2+", "1.3", "x"] {
            assert!(Version::parse(other).is_err(), "{other}");
        }
    }

    #[test]
    fn only_names_that_are_sent_as_they_are() {
        assert!(server_name(None).is_ok());
        assert!(server_name(Some("a.example")).is_ok());
        for other in ["127.0.0.1", "::1", "A.example", "a.example.", "", "a b"] {
            assert!(server_name(Some(other)).is_err(), "{other}");
        }
    }

    #[test]
    fn one_config_for_all_checks() {
        let first = shared(Version::Any).expect("a config");
        assert!(Arc::ptr_eq(
            &first,
            &shared(Version::Any).expect("the same")
        ));
    }
}
