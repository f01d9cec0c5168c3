//! Who we are to the broker, and how we know that it is the broker: certificates, read from files anew whenever
//! they change, so that a renewal needs no restart.

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// PEM files. Each may hold a chain; the key is PKCS #8, PKCS #1 or SEC 1, without a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// Certificates of those who may vouch for the broker. The system's own list is not asked: a cabinet trusts its
    /// city and nobody else.
    pub ca: PathBuf,
    /// Our certificate and its key; without them the broker must know us by a password.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// Why certificates are of no use.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or is no PEM file.
    #[error("could not read {}: {cause}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        cause: String,
    },
    /// A file holds none of what it should.
    #[error("{} holds no certificate", file.display())]
    Empty {
        /// Which.
        file: PathBuf,
    },
    /// They do not belong together, or are of a kind that we do not speak.
    #[error("could not use {}: {cause}", file.display())]
    Unusable {
        /// Which.
        file: PathBuf,
        /// Why.
        cause: String,
    },
}

impl TlsFiles {
    /// Reads them and checks that they belong together. TLS 1.3 only: there is no older broker to be kind to.
    pub fn load(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let unusable = |file: &Path, e: rustls::Error| TlsError::Unusable {
            file: file.to_owned(),
            cause: e.to_string(),
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.ca)? {
            roots.add(certificate).map_err(|e| unusable(&self.ca, e))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|e| unusable(&self.ca, e))?
            .with_root_certificates(roots);
        let config = match &self.own {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate)?;
                let private = PrivateKeyDer::from_pem_file(key)
                    .map_err(|e| TlsError::File { file: key.clone(), cause: e.to_string() })?;
                config.with_client_auth_cert(chain, private).map_err(|e| unusable(key, e))?
            }
        };
        Ok(Arc::new(config))
    }

    /// When each was last written. Two equal stamps mean that there is nothing new to read.
    fn stamp(&self) -> Vec<Option<SystemTime>> {
        let own = self.own.iter().flat_map(|(certificate, key)| [certificate, key]);
        std::iter::once(&self.ca)
            .chain(own)
            .map(|file| std::fs::metadata(file).and_then(|m| m.modified()).ok())
            .collect()
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bad =
        |e: rustls::pki_types::pem::Error| TlsError::File { file: file.to_owned(), cause: e.to_string() };
    let all: Vec<_> =
        CertificateDer::pem_file_iter(file).map_err(bad)?.collect::<Result<_, _>>().map_err(bad)?;
    if all.is_empty() { Err(TlsError::Empty { file: file.to_owned() }) } else { Ok(all) }
}

/// The certificates of one link: those in the files, or, while somebody is half-way through replacing them, the last
/// ones that fitted together.
#[derive(Debug)]
pub(super) struct Certificates {
    files: TlsFiles,
    used: Option<(Vec<Option<SystemTime>>, Arc<ClientConfig>)>,
}

impl Certificates {
    pub(super) fn new(files: TlsFiles) -> Certificates {
        Certificates { files, used: None }
    }

    /// For a new connection.
    pub(super) fn current(&mut self) -> Result<Arc<ClientConfig>, TlsError> {
        let stamp = self.files.stamp();
        match (self.files.load(), &self.used) {
            (Ok(config), _) => {
                self.used = Some((stamp, config.clone()));
                Ok(config)
            }
            (Err(error), Some((_, last))) => {
                tracing::warn!(%error, "certificates cannot be read; the last ones stay in use");
                Ok(last.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Whether other ones lie in the files than the connection was made with, and fit together.
    pub(super) fn renewed(&self) -> bool {
        self.used.as_ref().is_some_and(|(stamp, _)| *stamp != self.files.stamp()) && self.files.load().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn certify(folder: &Path, names: &[&str]) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/mosquitto/certificates.sh");
        let done = Command::new(script).arg(folder).arg("client").args(names).status().unwrap();
        assert!(done.success(), "openssl is installed");
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path(), &["a", "b"]);
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("empty.pem"), "").unwrap();
        let check = |ca: &str, certificate: &str, key: &str, expected: &str| {
            let files = TlsFiles { ca: at(ca), own: Some((at(certificate), at(key))) };
            let error = files.load().err().map(|e| e.to_string()).unwrap_or_default();
            let expected = expected.replace('~', &format!("{}/", folder.path().display()));
            assert!(error.starts_with(&expected) && error.is_empty() == expected.is_empty(), "{error}");
        };
        check("ca.pem", "a.pem", "a.key", "");
        check("no.pem", "a.pem", "a.key", "could not read ~no.pem: ");
        check("empty.pem", "a.pem", "a.key", "~empty.pem holds no certificate");
        check("ca.pem", "a.key", "a.key", "~a.key holds no certificate");
        check("ca.pem", "a.pem", "a.pem", "could not read ~a.pem: ");
        check("ca.pem", "a.pem", "b.key", "could not use ~b.key: ");
    }

    #[test]
    fn half_of_a_renewal_is_none() {
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path(), &["a", "b"]);
        let at = |name: &str| folder.path().join(name);
        let mut certificates =
            Certificates::new(TlsFiles { ca: at("ca.pem"), own: Some((at("a.pem"), at("a.key"))) });
        assert!(!certificates.renewed(), "nothing is in use yet");
        let first = certificates.current().unwrap();
        assert!(!certificates.renewed());
        std::fs::copy(at("b.key"), at("a.key")).unwrap();
        assert!(!certificates.renewed(), "the key is not that of the certificate");
        assert!(Arc::ptr_eq(&certificates.current().unwrap(), &first));
        std::fs::copy(at("b.pem"), at("a.pem")).unwrap();
        assert!(certificates.renewed());
        assert!(!Arc::ptr_eq(&certificates.current().unwrap(), &first));
        assert!(!certificates.renewed());
    }
}
