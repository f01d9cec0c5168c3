//! Who may do what: people with roles and districts, their passwords, their sessions, and the second person that an
//! order for an area needs.
//!
//! [`accounts`] is what the file says, [`provider`] takes a provider's word for who somebody is, [`sessions`] who is signed in, [`attempts`] slows guessing down, [`proposals`]
//! are area orders that wait for another person. [`Gate`] holds them together; `api::access` is its face over HTTP.
//! Nothing here trusts the page: the page leaves out what a role may not do, and the API refuses it again.

pub mod accounts;
pub mod attempts;
pub mod proposals;
pub mod provider;
pub mod sessions;

use accounts::{Accounts, Password};
use attempts::Attempts;
use model::ids::DistrictId;
use proposals::Proposals;
use provider::{Provider, ProviderConfig};
use serde::{Deserialize, Serialize};
use sessions::{Session, Sessions, Whose};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio::{sync::Semaphore, time::Instant};
use tokio_util::sync::CancellationToken;

/// What somebody may do. Each may also do what stands before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    View,
    /// Order single junctions, propose area orders, ask what-if, read the audit, work on tickets, write and run approved drafts
    /// of plans, report incidents.
    Operate,
    /// Agree to an area order or approve a draft of somebody else, close tickets without proof, prepare response plans.
    Manage,
    /// See who has which role.
    Configure,
}

impl Role {
    /// As files and the API write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::View => "view",
            Role::Operate => "operate",
            Role::Manage => "manage",
            Role::Configure => "configure",
        }
    }
}

/// Somebody with an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// What they sign in with.
    pub login: String,
    /// What others call them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// And where; `None` for the whole city.
    pub districts: Option<BTreeSet<DistrictId>>,
}

/// Where an act has its effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place<'a> {
    /// On nothing in the street.
    Nowhere,
    /// In one district.
    District(&'a DistrictId),
    /// In the whole city.
    City,
}

impl Person {
    /// Whether they may do what needs `role` there.
    pub fn may(&self, role: Role, place: Place<'_>) -> bool {
        let here = match (&self.districts, place) {
            (None, _) | (_, Place::Nowhere) => true,
            (Some(theirs), Place::District(district)) => theirs.contains(district),
            (Some(_), Place::City) => false,
        };
        self.role >= role && here
    }

    /// As the audit names them: names are not unique, logins are.
    pub fn signature(&self) -> String {
        format!("{} ({})", self.name, self.login)
    }
}

/// Who may come in.
#[derive(Clone, Debug)]
pub enum AccessConfig {
    /// Anybody may do anything, under the name that they give.
    Open,
    /// People with accounts.
    Accounts {
        /// Where they stand.
        from: AccountsFrom,
        /// Whether one who is not signed in may look.
        anybody_may_view: bool,
        /// The page comes over HTTPS, so that its cookie never goes another way.
        https_only: bool,
        /// Whose word for who somebody is counts beside our own accounts.
        provider: Option<Box<ProviderConfig>>,
    },
}

/// Where accounts are.
#[derive(Clone, Debug)]
pub enum AccountsFrom {
    /// In a file, which is read again when it changes.
    File(PathBuf),
    /// They were made by the program that starts the centre.
    Given(Arc<Accounts>),
}

/// How long a password that came with a request (HTTP Basic) need not be checked again.
const REMEMBERED: Duration = Duration::from_secs(300);
/// Requests' passwords that are remembered; past it all are forgotten, and checked again.
const MOST_REMEMBERED: usize = 1_000;
/// Passwords checked at once: each takes 19 MiB and some tens of milliseconds of a core.
const CHECKS: usize = 2;
/// Most that wait for such a check: more are sent away, or a crowd of guesses would keep everybody waiting.
const CHECKS_WAITING: usize = 16;
/// No login is longer, bytes.
const LONGEST_LOGIN: usize = 80;
/// How often the file of accounts is looked at.
const LOOK_PERIOD: Duration = Duration::from_secs(5);

/// Why somebody was not let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// Unknown login or wrong password; which of the two is nobody's business.
    Wrong,
    /// Too many wrong passwords for this login: wait so long.
    Wait(Duration),
    /// Too many passwords are being checked.
    Busy,
    /// Nobody needs to sign in here.
    Open,
}

/// The rules, and all that changes while they are applied.
#[derive(Debug)]
pub(crate) struct Gate {
    config: AccessConfig,
    accounts: RwLock<Arc<Accounts>>,
    sessions: Mutex<Sessions>,
    attempts: Mutex<Attempts>,
    proposals: Mutex<Proposals>,
    provider: Option<Provider>,
    /// Keyed digests of passwords that were right, and until when that is believed.
    remembered: Mutex<HashMap<[u8; 32], (String, Instant)>>,
    /// What the digests are keyed with; another one in each run.
    pepper: [u8; 32],
    checks: Semaphore,
    waiting: Semaphore,
}

impl Gate {
    /// Reads the accounts, and what the provider knows us by. Fails if they cannot be read or the machine has no randomness.
    pub(crate) fn open(config: AccessConfig) -> anyhow::Result<Gate> {
        let accounts = match &config {
            AccessConfig::Open => Arc::default(),
            AccessConfig::Accounts { from: AccountsFrom::Given(accounts), .. } => accounts.clone(),
            AccessConfig::Accounts { from: AccountsFrom::File(file), .. } => Arc::new(accounts::read(file)?),
        };
        let provider = match &config {
            AccessConfig::Accounts { provider: Some(provider), .. } => {
                Some(Provider::open((**provider).clone())?)
            }
            _ => None,
        };
        if let AccessConfig::Accounts { from: AccountsFrom::File(file), provider: None, .. } = &config
            && accounts.is_empty()
        {
            tracing::warn!(file = %file.display(), "nobody has an account, so nobody can give orders");
        }
        let mut pepper = [0; 32];
        getrandom::fill(&mut pepper).map_err(|e| anyhow::anyhow!("no randomness for passwords: {e}"))?;
        Ok(Gate {
            config,
            accounts: RwLock::new(accounts),
            sessions: Mutex::default(),
            attempts: Mutex::default(),
            proposals: Mutex::default(),
            provider,
            remembered: Mutex::default(),
            pepper,
            checks: Semaphore::new(CHECKS),
            waiting: Semaphore::new(CHECKS + CHECKS_WAITING),
        })
    }

    /// Anybody may do anything here.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.config, AccessConfig::Open)
    }

    /// One who is not signed in may look.
    pub(crate) fn anybody_may_view(&self) -> bool {
        matches!(self.config, AccessConfig::Open | AccessConfig::Accounts { anybody_may_view: true, .. })
    }

    /// Cookies go over HTTPS only.
    pub(crate) fn https_only(&self) -> bool {
        matches!(self.config, AccessConfig::Accounts { https_only: true, .. })
    }

    /// Who has an account now.
    pub(crate) fn accounts(&self) -> Arc<Accounts> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whose word counts beside our own accounts.
    pub(crate) fn provider(&self) -> Option<&Provider> {
        self.provider.as_ref()
    }

    /// Everybody with an account, and those who are here by the provider's word.
    pub(crate) fn people(&self) -> Vec<Person> {
        let accounts = self.accounts();
        let provided = self.sessions().provided(Instant::now());
        accounts.people().cloned().chain(provided.iter().map(|person| (**person).clone())).collect()
    }

    /// Whose a session is; `None` if they have no account any more.
    pub(crate) fn owner(&self, session: &Session) -> Option<Arc<Person>> {
        match &session.whose {
            Whose::Account(login) => self.accounts().person(login).cloned().map(Arc::new),
            Whose::Provided(person) => Some(person.clone()),
        }
    }

    /// Who is signed in.
    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Area orders that wait for a second person.
    pub(crate) fn proposals(&self) -> MutexGuard<'_, Proposals> {
        self.proposals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who it is that knows this password.
    pub(crate) async fn check(&self, login: &str, password: &Password) -> Result<Person, Refusal> {
        if self.is_open() {
            return Err(Refusal::Open);
        }
        // No account has such a login, and what is tried is remembered.
        if login.len() > LONGEST_LOGIN {
            return Err(Refusal::Wrong);
        }
        let attempts = || self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let may_try =
            || attempts().wait(Instant::now(), login).map_or(Ok(()), |wait| Err(Refusal::Wait(wait)));
        may_try()?;
        let _place = self.waiting.try_acquire().map_err(|_| Refusal::Busy)?;
        let accounts = self.accounts();
        let (name, password) = (login.to_owned(), password.clone());
        let found = {
            // Closed only at the end of the program, which has no more questions.
            let _seat = self.checks.acquire().await;
            // Others may have tried the same login meanwhile.
            may_try()?;
            tokio::task::spawn_blocking(move || accounts.check(&name, &password).cloned()).await
        };
        let found = found.ok().flatten();
        attempts().note(Instant::now(), login, found.is_some());
        found.ok_or(Refusal::Wrong)
    }

    /// The same for a program that sends its password with every request.
    pub(crate) async fn check_each_time(&self, login: &str, password: &Password) -> Result<Person, Refusal> {
        let digest = Sha256::new()
            .chain_update(self.pepper)
            .chain_update((login.len() as u64).to_be_bytes())
            .chain_update(login)
            .chain_update(password.reveal())
            .finalize()
            .into();
        let remembered = || self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let known = remembered().get(&digest).filter(|(_, until)| Instant::now() < *until).cloned();
        if let Some(person) = known.and_then(|(login, _)| self.accounts().person(&login).cloned()) {
            return Ok(person);
        }
        let person = self.check(login, password).await?;
        let mut remembered = remembered();
        if remembered.len() >= MOST_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, (person.login.clone(), Instant::now() + REMEMBERED));
        Ok(person)
    }

    /// Reads the file of accounts again whenever it has changed. A file with faults changes nothing, and is complained of.
    pub(crate) async fn follow(self: Arc<Self>, shutdown: CancellationToken) {
        let AccessConfig::Accounts { from: AccountsFrom::File(file), .. } = &self.config else { return };
        let changed = |file: &PathBuf| std::fs::metadata(file).and_then(|m| m.modified()).ok();
        let mut seen: Option<SystemTime> = changed(file);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_PERIOD) => {}
            }
            let now = changed(file);
            if now == seen {
                continue;
            }
            seen = now;
            match accounts::read(file) {
                Ok(accounts) => {
                    tracing::info!(file = %file.display(), people = accounts.len(), "accounts read again");
                    *self.accounts.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(accounts);
                    // A changed password ends what the old one opened.
                    self.sessions().clear();
                    self.remembered.lock().unwrap_or_else(PoisonError::into_inner).clear();
                }
                Err(error) => {
                    tracing::warn!(error = format!("{error:#}"), "the accounts stay as they were")
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn guessing_fills_nothing_and_keeps_nobody_waiting() {
        let from = AccountsFrom::Given(Arc::default());
        let config =
            AccessConfig::Accounts { from, anybody_may_view: false, https_only: false, provider: None };
        let gate = Arc::new(Gate::open(config).unwrap());
        let endless = "x".repeat(1 << 20);
        assert_eq!(gate.check(&endless, &Password::new("guess")).await, Err(Refusal::Wrong));
        assert_eq!(gate.attempts.lock().unwrap().wait(Instant::now(), &endless), None);
        let guess = |n: usize| {
            let gate = gate.clone();
            tokio::spawn(async move { gate.check(&format!("p{n}"), &Password::new("guess")).await })
        };
        let guesses: Vec<_> = (0..200).map(guess).collect();
        let mut busy = 0;
        for guess in guesses {
            busy += usize::from(guess.await.unwrap() == Err(Refusal::Busy));
        }
        assert!(busy >= 200 - CHECKS_WAITING - 3 * CHECKS, "{busy} were sent away");
    }

    #[test]
    fn a_role_counts_in_its_districts() {
        let (cao, sao) = (DistrictId::new("cao"), DistrictId::new("sao"));
        let check = |districts: Option<&str>, role, place, may| {
            let districts = districts.map(|d| BTreeSet::from([DistrictId::new(d)]));
            let person = Person { login: "p".into(), name: "P".into(), role: Role::Operate, districts };
            assert_eq!(person.may(role, place), may, "{person:?} {role:?} {place:?}");
        };
        check(None, Role::Operate, Place::District(&cao), true);
        check(None, Role::Operate, Place::City, true);
        check(None, Role::Manage, Place::District(&cao), false);
        check(Some("cao"), Role::Operate, Place::District(&cao), true);
        check(Some("cao"), Role::Operate, Place::District(&sao), false);
        check(Some("cao"), Role::Operate, Place::City, false);
        check(Some("cao"), Role::View, Place::Nowhere, true);
    }
}
