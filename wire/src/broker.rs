//! `[broker]` in the configuration of every daemon: how the broker is reached, and as whom.
//!
//! The text is checked by [`RawBroker::meant`]; secrets and certificates are opened by [`Broker::link`], when the
//! program starts.

use crate::link::{
    Credentials, LinkConfig, SHORTEST_KEEP_ALIVE,
    tls::{TlsError, TlsFiles},
};
use model::config::{Complaint, Complaints, Source, line_of};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::{
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

/// Environment variable for the broker's password, if there is no file.
pub const PASSWORD_VARIABLE: &str = "SVETOFOR_BROKER_PASSWORD";

/// The table as a person writes it.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RawBroker {
    host: Spanned<String>,
    port: Spanned<u16>,
    keep_alive_s: Spanned<u32>,
    username: Option<String>,
    password_file: Option<Spanned<PathBuf>>,
    tls: Option<RawTls>,
}

/// A table `tls` as a person writes it.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct RawTls {
    ca: Spanned<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl RawTls {
    /// Checks what can be checked without opening a file.
    pub fn meant(self, source: Source<'_>, faults: &mut Complaints) -> TlsFiles {
        if self.certificate.is_some() != self.key.is_some() {
            let message = "certificate and key belong together: give both, or neither";
            faults.push(Complaint::spanned(source, &self.ca, message));
        }
        TlsFiles { ca: self.ca.into_inner(), own: self.certificate.zip(self.key) }
    }
}

/// What it means. No file has been opened yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broker {
    /// Host name or address; with TLS, the broker's certificate must be for it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// At least [`SHORTEST_KEEP_ALIVE`].
    pub keep_alive: Duration,
    /// User, and where the password is.
    pub login: Option<(String, Secret)>,
    /// Where the certificates are; the link is not encrypted without.
    pub tls: Option<TlsFiles>,
    /// Line of the file where it stands, for complaints about files that it names.
    pub line: u32,
}

/// Where a password is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Secret {
    /// In that file; its last line end is no part of it.
    pub file: Option<PathBuf>,
    /// Or, without a file, in that variable of the environment.
    pub variable: &'static str,
}

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file could not.
    #[error("could not read {}: {source}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No file was named, and the variable is not there.
    #[error("no file is named for a password, and the environment variable {0} is not set")]
    Variable(&'static str),
}

impl Secret {
    /// Reads it. The error says what was looked for.
    pub fn read(&self) -> Result<String, SecretError> {
        match &self.file {
            Some(file) => match std::fs::read_to_string(file) {
                Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(source) => Err(SecretError::File { file: file.clone(), source }),
            },
            None => std::env::var(self.variable).map_err(|_| SecretError::Variable(self.variable)),
        }
    }
}

/// Why a link could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The password.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The certificates.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl RawBroker {
    /// Checks it; what is wrong is added to `faults`, each with its line.
    pub fn meant(self, source: Source<'_>, faults: &mut Complaints) -> Broker {
        if self.host.get_ref().is_empty() {
            faults.push(Complaint::spanned(source, &self.host, "the broker's host is empty"));
        }
        if *self.port.get_ref() == 0 {
            faults.push(Complaint::spanned(source, &self.port, "port = 0 is no port"));
        }
        let keep_alive = Duration::from_secs((*self.keep_alive_s.get_ref()).into());
        if keep_alive < SHORTEST_KEEP_ALIVE {
            let (said, least) = (keep_alive.as_secs(), SHORTEST_KEEP_ALIVE.as_secs());
            let message = format!("keep_alive_s = {said} is below {least}");
            faults.push(Complaint::spanned(source, &self.keep_alive_s, message));
        }
        if let (None, Some(file)) = (&self.username, &self.password_file) {
            faults.push(Complaint::spanned(source, file, "password_file without a username"));
        }
        let tls = self.tls.map(|tls| tls.meant(source, faults));
        let file = self.password_file.map(Spanned::into_inner);
        Broker {
            line: line_of(source.text, self.host.span().start),
            host: self.host.into_inner(),
            port: self.port.into_inner(),
            keep_alive,
            login: self.username.map(|name| (name, Secret { file, variable: PASSWORD_VARIABLE })),
            tls,
        }
    }
}

impl Broker {
    /// A broker that lets anybody in: the demo's own, and those of tests.
    pub fn open_to_all(host: impl Into<String>, port: u16) -> Broker {
        Broker {
            host: host.into(),
            port,
            keep_alive: Duration::from_secs(10),
            login: None,
            tls: None,
            line: 0,
        }
    }

    /// The same with relative paths taken from `folder`.
    pub fn relative_to(mut self, folder: &Path) -> Broker {
        if let Some((_, Secret { file: Some(file), .. })) = &mut self.login {
            *file = folder.join(&*file);
        }
        if let Some(tls) = &mut self.tls {
            tls.ca = folder.join(&tls.ca);
            tls.own = tls.own.take().map(|(c, k)| (folder.join(c), folder.join(k)));
        }
        self
    }

    /// A link under that client id, with the password read and the certificates looked at.
    pub fn link(&self, client_id: impl Into<String>) -> Result<LinkConfig, BrokerError> {
        let mut link = LinkConfig::new(&self.host, self.port, client_id);
        link.keep_alive = self.keep_alive;
        if let Some((username, secret)) = &self.login {
            link.credentials = Some(Credentials { username: username.clone(), password: secret.read()? });
        }
        if let Some(tls) = &self.tls {
            tls.load()?;
            link.tls = Some(tls.clone());
        }
        Ok(link)
    }
}

/// HOST:PORT as one types it on a command line, of a broker that lets anybody in. IPv6 addresses may stand in brackets.
impl FromStr for Broker {
    type Err = String;

    fn from_str(text: &str) -> Result<Broker, String> {
        let (host, port) = text.rsplit_once(':').ok_or("it is HOST:PORT")?;
        let host = host.trim_matches(['[', ']']);
        match port.parse() {
            Ok(1..) if host.is_empty() => Err("it is HOST:PORT".to_owned()),
            Ok(port @ 1..) => Ok(Broker::open_to_all(host, port)),
            _ => Err(format!("{port:?} is not a port")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::config;

    const GOOD: &str = r#"host = "broker.example"
port = 8883
keep_alive_s = 10
username = "centre-1"
password_file = "secret"
[tls]
ca = "ca.pem"
certificate = "centre-1.pem"
key = "centre-1.key"
"#;

    fn read(text: &str) -> Result<Broker, Complaints> {
        let raw: RawBroker = config::parse("b.toml", text)?;
        let mut faults = Complaints::default();
        let broker = raw.meant(Source::new("b.toml", text), &mut faults);
        faults.or(broker)
    }

    #[test]
    fn what_is_written_is_meant() {
        let broker = read(GOOD).unwrap().relative_to(Path::new("/etc/svetofor"));
        let at = |name: &str| PathBuf::from(format!("/etc/svetofor/{name}"));
        assert_eq!((broker.host.as_str(), broker.port, broker.line), ("broker.example", 8883, 1));
        let (user, secret) = broker.login.unwrap();
        assert_eq!((user.as_str(), secret.file), ("centre-1", Some(at("secret"))));
        assert_eq!(
            broker.tls,
            Some(TlsFiles { ca: at("ca.pem"), own: Some((at("centre-1.pem"), at("centre-1.key"))) })
        );
    }

    #[test]
    fn faults_name_their_lines() {
        let check = |from: &str, to: &str, expected: &str| {
            let bad = GOOD.replace(from, to);
            assert_eq!(read(&bad).unwrap_err().to_string(), expected);
        };
        check("broker.example", "", "b.toml:1: the broker's host is empty");
        check("8883", "0", "b.toml:2: port = 0 is no port");
        check("keep_alive_s = 10", "keep_alive_s = 1", "b.toml:3: keep_alive_s = 1 is below 5");
        check("username = \"centre-1\"\n", "", "b.toml:4: password_file without a username");
        check(
            "key = \"centre-1.key\"\n",
            "",
            "b.toml:7: certificate and key belong together: give both, or neither",
        );
        check(
            "ca =",
            "authority =",
            "b.toml:7: unknown field `authority`, expected one of `ca`, `certificate`, `key`",
        );
    }

    #[test]
    fn a_broker_on_the_command_line_has_a_port() {
        let check = |text: &str, expected: Option<(&str, u16)>| {
            let broker = text.parse::<Broker>().ok();
            assert_eq!(broker.as_ref().map(|b| (b.host.as_str(), b.port)), expected, "{text}");
        };
        check("localhost:1883", Some(("localhost", 1883)));
        check("[::1]:1883", Some(("::1", 1883)));
        check("::1:1883", Some(("::1", 1883)));
        check("localhost", None);
        check(":1883", None);
        check("localhost:0", None);
        check("localhost:70000", None);
    }

    #[test]
    fn what_cannot_be_opened_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let broker = read(GOOD).unwrap().relative_to(folder.path());
        let secret = folder.path().join("secret");
        let error = broker.link("x").unwrap_err().to_string();
        assert!(error.starts_with(&format!("could not read {}: ", secret.display())), "{error}");
        std::fs::write(&secret, "word\n").unwrap();
        let error = broker.link("x").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("could not read {}", folder.path().join("ca.pem").display())),
            "{error}"
        );
    }
}
