//! Accounts, as a person writes them down:
//!
//! ```toml
//! [[person]]
//! login = "smirnova"
//! name = "А. Смирнова"
//! role = "operate"
//! districts = ["cao"]
//! password = "$argon2id$v=19$m=19456,t=2,p=1$…"
//! ```
//!
//! `controller account` makes such an entry with a fresh password. Passwords themselves are never written down.

use super::{Person, Role};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use model::{
    config::{self, Complaint, Complaints, Source},
    ids::DistrictId,
};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::{collections::BTreeMap, fmt, path::Path};

/// Longest login and name, characters.
const LONGEST: usize = 80;

/// A password. It does not show in logs.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// As somebody typed it.
    pub fn new(text: impl Into<String>) -> Password {
        Password(text.into())
    }

    /// A new one that nobody can guess: 80 random bits, in letters that are not taken for one another.
    pub fn fresh() -> anyhow::Result<Password> {
        const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
        let mut bytes = [0u8; 16];
        getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("no randomness for a password: {e}"))?;
        let letters: Vec<char> = bytes.iter().map(|b| char::from(LETTERS[usize::from(b % 32)])).collect();
        let groups: Vec<String> = letters.chunks(4).map(|four| four.iter().collect()).collect();
        Ok(Password(groups.join("-")))
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What may be written down of it: argon2id with a salt of its own, as a PHC string.
    pub fn hash(&self) -> anyhow::Result<String> {
        let hash = Argon2::default().hash_password(self.0.as_bytes());
        Ok(hash.map_err(|e| anyhow::anyhow!("could not hash a password: {e}"))?.to_string())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Everybody with an account, by login.
#[derive(Clone, Default)]
pub struct Accounts {
    people: BTreeMap<String, (Person, PasswordHash)>,
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.people()).finish()
    }
}

impl Accounts {
    /// Accounts out of people and the hashes of their passwords (see [`Password::hash`]).
    pub fn of(people: impl IntoIterator<Item = (Person, String)>) -> anyhow::Result<Accounts> {
        let mut accounts = Accounts::default();
        for (person, hash) in people {
            let hash = PasswordHash::new(&hash)
                .map_err(|e| anyhow::anyhow!("the password of {} is no PHC string: {e}", person.login))?;
            accounts.people.insert(person.login.clone(), (person, hash));
        }
        Ok(accounts)
    }

    /// Nobody has an account.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// So many have one.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// All of them, by login.
    pub fn people(&self) -> impl Iterator<Item = &Person> {
        self.people.values().map(|(person, _)| person)
    }

    /// Whoever has that login.
    pub fn person(&self, login: &str) -> Option<&Person> {
        self.people.get(login).map(|(person, _)| person)
    }

    /// Who it is that knows this password. A login that nobody has takes as long, so that it cannot be told from others.
    pub(crate) fn check(&self, login: &str, password: &Password) -> Option<&Person> {
        let found = self.people.get(login);
        let (_, hash) = found.or_else(|| self.people.values().next())?;
        let right = Argon2::default().verify_password(password.0.as_bytes(), hash).is_ok();
        found.filter(|_| right).map(|(person, _)| person)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    person: Vec<RawPerson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPerson {
    login: Spanned<String>,
    name: Spanned<String>,
    role: Role,
    districts: Option<Spanned<Vec<String>>>,
    password: Spanned<String>,
}

/// Reads a file of accounts.
pub fn read(file: &Path) -> anyhow::Result<Accounts> {
    use anyhow::Context;
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("could not read {name}"))?;
    Ok(parse(&name, &text)?)
}

/// Accounts out of a text. All complaints at once, each with its line.
pub fn parse(file: &str, text: &str) -> Result<Accounts, Complaints> {
    let raw: Raw = config::parse(file, text)?;
    let source = Source::new(file, text);
    let mut faults = Complaints::default();
    let mut accounts = Accounts::default();
    for person in raw.person {
        for (what, text) in [("login", &person.login), ("name", &person.name)] {
            let said = text.get_ref();
            let usable = !said.trim().is_empty()
                && said.trim() == said
                && said.chars().count() <= LONGEST
                && !said.chars().any(char::is_control);
            if !usable {
                let message = format!("a {what} is one line of 1 to {LONGEST} characters");
                faults.push(Complaint::spanned(source, text, message));
            }
        }
        let login = person.login.get_ref();
        // HTTP Basic ends the login at the first colon.
        if login.contains([':', ' ', '(', ')']) {
            let message = "a login has no colons, blanks or brackets";
            faults.push(Complaint::spanned(source, &person.login, message));
        }
        if accounts.people.contains_key(login) {
            let message = format!("there are two accounts {login}");
            faults.push(Complaint::spanned(source, &person.login, message));
        }
        if let Some(districts) = person.districts.as_ref().filter(|d| d.get_ref().is_empty()) {
            let message = "districts is empty; leave it out for the whole city";
            faults.push(Complaint::spanned(source, districts, message));
        }
        let hash = PasswordHash::new(person.password.get_ref())
            .ok()
            .filter(|hash| hash.algorithm.as_str() == "argon2id" && hash.hash.is_some());
        let Some(hash) = hash else {
            let message = "password is no argon2id hash; `controller account` makes one";
            faults.push(Complaint::spanned(source, &person.password, message));
            continue;
        };
        let districts = person.districts.map(Spanned::into_inner);
        let entry = Person {
            login: login.clone(),
            name: person.name.into_inner(),
            role: person.role,
            districts: districts.map(|all| all.iter().map(|d| DistrictId::new(d.as_str())).collect()),
        };
        accounts.people.insert(entry.login.clone(), (entry, hash));
    }
    faults.or(accounts)
}

/// An entry for the file, with the password that goes to the person, and nowhere else.
pub fn entry(person: &Person) -> anyhow::Result<(String, Password)> {
    let password = Password::fresh()?;
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = format!(
        "[[person]]\nlogin = {}\nname = {}\nrole = \"{}\"\n",
        quoted(&person.login),
        quoted(&person.name),
        person.role.as_str()
    );
    if let Some(districts) = &person.districts {
        let all: Vec<String> = districts.iter().map(|d| quoted(d.as_str())).collect();
        text += &format!("districts = [{}]\n", all.join(", "));
    }
    text += &format!("password = {}\n", quoted(&password.hash()?));
    Ok((text, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: &str = r#"
[[person]]
login = "smirnova"
name = "А. Смирнова"
role = "operate"
districts = ["cao"]
password = "HASH"
"#;

    #[test]
    fn what_the_program_writes_it_reads_and_the_password_opens() {
        let districts = Some([DistrictId::new("cao")].into());
        let person = Person {
            login: "ivanov".into(),
            name: "И. \"Ваня\" Иванов".into(),
            role: Role::Manage,
            districts,
        };
        let (text, password) = entry(&person).unwrap();
        let accounts = parse("a.toml", &text).unwrap();
        assert_eq!(accounts.check("ivanov", &password), Some(&person));
        assert_eq!(accounts.check("ivanov", &Password::new("guess")), None);
        assert_eq!(accounts.check("petrov", &password), None);
        assert!(!text.contains(password.reveal()), "the file holds the password itself");
        assert_ne!(Password::fresh().unwrap(), Password::fresh().unwrap());
    }

    #[test]
    fn faults_are_named_with_their_line() {
        let check = |from: &str, to: &str, complaint: &str| {
            let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAA";
            let text = PERSON.replace(from, to).replace("HASH", hash);
            let said = parse("a.toml", &text).map(drop).map_err(|e| e.to_string());
            assert_eq!(said, if complaint.is_empty() { Ok(()) } else { Err(complaint.to_owned()) });
        };
        check("", "", "");
        check("smirnova", "a:b", "a.toml:3: a login has no colons, blanks or brackets");
        check("А. Смирнова", "", "a.toml:4: a name is one line of 1 to 80 characters");
        check("[\"cao\"]", "[]", "a.toml:6: districts is empty; leave it out for the whole city");
        check("HASH", "secret", "a.toml:7: password is no argon2id hash; `controller account` makes one");
        check(
            "operate",
            "god",
            "a.toml:5: unknown variant `god`, expected one of `view`, `operate`, `manage`, `configure`",
        );
        let twice = format!("{PERSON}{PERSON}");
        let hash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21l$AAAAAAAAAAAAAAAAAAAAAA";
        let said = parse("a.toml", &twice.replace("HASH", hash)).unwrap_err().to_string();
        assert_eq!(said, "a.toml:10: there are two accounts smirnova");
    }
}
