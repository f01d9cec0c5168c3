//! The demo's people: new passwords with every start, so that no password of ours is ever a default.

use controller::access::{
    AccessConfig, AccountsFrom, Person, Role,
    accounts::{Accounts, Password},
};
use std::{net::SocketAddr, sync::Arc};

/// Somebody of the demo.
pub(super) struct Somebody {
    pub(super) person: Person,
    pub(super) password: Password,
}

/// One of each role that gives orders: it takes two to order something for the whole city.
pub(super) fn people() -> anyhow::Result<Vec<Somebody>> {
    let all = [
        ("duty", "А. Смирнова", Role::Operate),
        ("chief", "И. Орлов", Role::Manage),
        ("engineer", "М. Ким", Role::Configure),
    ];
    let made = all.into_iter().map(|(login, name, role)| {
        let person = Person { login: login.into(), name: name.into(), role, districts: None };
        Ok(Somebody { person, password: Password::fresh()? })
    });
    made.collect()
}

/// Anybody may look; these may do more.
pub(super) fn access(people: &[Somebody]) -> anyhow::Result<AccessConfig> {
    let hashed: anyhow::Result<Vec<_>> =
        people.iter().map(|p| Ok((p.person.clone(), p.password.hash()?))).collect();
    let from = AccountsFrom::Given(Arc::new(Accounts::of(hashed?)?));
    Ok(AccessConfig::Accounts { from, anybody_may_view: true, https_only: false, provider: None })
}

/// How to be one of them, a line each.
pub(super) fn lines(people: &[Somebody], page: SocketAddr) -> Vec<String> {
    let line = |p: &Somebody| {
        let (login, password) = (&p.person.login, p.password.reveal());
        let role = p.person.role.as_str();
        // After the `#`, so that no server and no proxy sees or logs it.
        format!(
            "http://{page}/#/sign-in?login={login}&password={password}  ({role}; curl -u {login}:{password})"
        )
    };
    people.iter().map(line).collect()
}
