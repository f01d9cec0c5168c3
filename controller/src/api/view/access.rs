//! Sign-in, people, area orders that wait for a second person, and the audit.

use super::CommandView;
use crate::access::accounts::Password;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /api/v1/session`: who the asker is, and what a page needs to know of sign-in.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Nobody signs in here, and anybody may do anything, under the name that they give.
    pub open: bool,
    /// One who is not signed in may look.
    pub anybody_may_view: bool,
    /// What the provider of identities is called at which one may sign in, by following `/api/v1/session/provider`; null without one.
    pub provider: Option<String>,
    /// Who is signed in; null if nobody.
    pub person: Option<PersonView>,
    /// What a page puts into `x-csrf-token` with every change; null without a session.
    pub csrf: Option<String>,
    /// The session ends after so many seconds if it is not used; null without one.
    pub left_s: Option<u64>,
}

/// Somebody with an account.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct PersonView {
    /// What they sign in with; `oidc:` and their login there for those whom the provider of identities knows.
    pub login: String,
    /// What others call them.
    pub name: String,
    /// `view`, `operate` (orders for single junctions, what-if), `manage` (agrees to area orders), `configure`. Each may
    /// also do what stands before it.
    pub role: String,
    /// Where; null for the whole city.
    pub districts: Option<Vec<String>>,
}

/// `GET /api/v1/people`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct People {
    /// Those with an account, by login, and those who are signed in by the provider's word.
    pub people: Vec<PersonView>,
}

/// `POST /api/v1/session`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The login.
    pub login: String,
    /// The password.
    #[schema(value_type = String, format = Password)]
    pub password: Password,
}

/// `GET /api/v1/proposals`: area orders that wait for a second person, oldest first.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ProposalsView {
    /// All of them.
    pub proposals: Vec<ProposalView>,
}

/// An area order that waits for a second person.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct ProposalView {
    /// Its id.
    pub id: String,
    /// Who proposed it: the login. That person cannot agree to it.
    pub login: String,
    /// What is proposed; `until` counts as if it were agreed to at once.
    pub command: CommandView,
    /// It is over after so many seconds.
    pub left_s: u64,
}

/// `GET /api/v1/audit`: newest first.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct AuditLines {
    /// The lines.
    pub lines: Vec<AuditLine>,
    /// Lines in the audit.
    pub total: u64,
    /// For older ones ask with `before` = this; null at the beginning.
    pub next: Option<u64>,
}

/// A line of the audit, as it was written and hashed.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct AuditLine {
    /// Counts this instance's lines, from 1.
    pub number: u64,
    /// When.
    pub at: i64,
    /// Who did what, why, and what came of it. In English: the hash is over these letters.
    pub entry: String,
    /// SHA-256 over the hash of the line before, the number, the time and the text, hexadecimal.
    pub hash: String,
}

/// `GET /api/v1/audit/check`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct AuditCheck {
    /// Lines that follow on each other from the first on.
    pub lines: u64,
    /// The hash of the last of them. Kept elsewhere, it shows later whether the end was cut off.
    pub hash: String,
    /// The number of the first line that does not follow on the one before; null if the chain is whole.
    pub broken: Option<u64>,
}
