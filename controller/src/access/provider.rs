//! Sign-in by somebody else's word: OpenID Connect 1.0, the authorization code with PKCE (RFC 7636).
//!
//! A browser leaves for the provider with a state, a nonce and the digest of a verifier that only we know
//! ([`Provider::begin`]), and comes back with a code ([`Provider::finish`]). The state is in a cookie of that browser
//! too, so that nobody can be signed in as somebody else by a link. What the provider then says of the person
//! becomes a login, a name, and, by the configuration's grants, a role with its districts. Passwords never come here.

use super::{Person, Role};
use anyhow::Context;
use futures::future::BoxFuture;
use model::ids::DistrictId;
use openidconnect::{
    AccessTokenHash, AdditionalClaims, AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, IdTokenFields, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, StandardErrorResponse, StandardTokenResponse, SubjectIdentifier, TokenResponse,
    UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType,
        CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
        CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse,
        CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use ureq::tls::{RootCerts, TlsConfig};

/// Where people come back to, under the page's address.
pub const BACK: &str = "/api/v1/session/provider/back";
/// So long may somebody take at the provider.
const PATIENCE: Duration = Duration::from_secs(600);
/// So many may be there at once; past it whoever left first has to begin anew.
const MOST_AWAY: usize = 1_000;
/// What the provider says of itself, its keys among it, is asked for again after so long.
const BELIEVED: Duration = Duration::from_secs(60);
/// A question to the provider takes so long at most.
const CALL: Duration = Duration::from_secs(10);
/// And its answer has so many bytes.
const LONGEST_ANSWER: u64 = 1 << 20;
/// Longest login and name, characters, as in the file of accounts.
const LONGEST: usize = 80;
/// What stands before the login of whoever comes this way. Logins of accounts have no colons, so nobody can be taken for
/// somebody with an account.
const MARK: &str = "oidc:";

/// The provider, and what its word is worth.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// What the page calls it.
    pub name: String,
    /// Its address, as it calls itself.
    pub issuer: IssuerUrl,
    /// How it knows us.
    pub client_id: String,
    /// The file with the secret by which it knows us; `None` for a public client, whom PKCE alone proves.
    pub client_secret_file: Option<PathBuf>,
    /// Where it sends people back to: the page's address with [`BACK`].
    pub redirect: RedirectUrl,
    /// What we ask for beside `openid`.
    pub scopes: Vec<String>,
    /// The claim that becomes the login.
    pub login_claim: String,
    /// People prove anew who they are, even if the provider still knows them.
    pub ask_again: bool,
    /// The authority of its certificate, PEM; `None` trusts those of the web.
    pub ca: Option<PathBuf>,
    /// Who gets which role. The first that applies counts.
    pub grants: Vec<Grant>,
}

/// A role for everybody of whom the provider says something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// The claim.
    pub claim: String,
    /// Its value, or one of its values where it is a list.
    pub value: String,
    /// What they may do.
    pub role: Role,
    /// And where; `None` for the whole city.
    pub districts: Option<BTreeSet<DistrictId>>,
}

/// Why somebody who came back is not signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// The provider cannot be asked.
    #[error("the provider cannot be asked: {0}")]
    Unreachable(String),
    /// It did not let them in, or they changed their mind.
    #[error("the provider says {0}")]
    Denied(String),
    /// They were away for too long, began in another browser, or came back twice.
    #[error("nobody who left from this browser has that state")]
    Stale,
    /// What it says cannot be believed.
    #[error("the provider's word is not to be believed: {0}")]
    Unbelievable(String),
    /// Nothing that it says of them gives them a role.
    #[error("no grant gives {0} a role")]
    NoRole(String),
}

/// Somebody who is about to leave.
#[derive(Debug)]
pub(crate) struct Departure {
    /// Where to.
    pub(crate) to: String,
    /// What their browser keeps meanwhile.
    pub(crate) state: String,
}

/// Whom we wait for.
#[derive(Debug)]
struct Away {
    verifier: PkceCodeVerifier,
    nonce: Nonce,
    /// Where on the page they wanted to go.
    then: String,
    since: Instant,
}

/// The provider as we know it now.
#[derive(Debug)]
pub(crate) struct Provider {
    config: ProviderConfig,
    secret: Option<ClientSecret>,
    http: Http,
    metadata: tokio::sync::Mutex<Option<(Instant, CoreProviderMetadata)>>,
    away: Mutex<HashMap<String, Away>>,
}

/// All claims beside the standard ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Others(Map<String, Value>);

impl AdditionalClaims for Others {}

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type Client = openidconnect::Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

impl Provider {
    /// Reads the secret and the authority; asks nobody yet.
    pub(crate) fn open(config: ProviderConfig) -> anyhow::Result<Provider> {
        let read = |file: &PathBuf| {
            std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))
        };
        let secret = config.client_secret_file.as_ref().map(read).transpose()?;
        let roots = match &config.ca {
            None => RootCerts::WebPki,
            Some(file) => {
                let certificates = ureq::tls::parse_pem(read(file)?.as_bytes())
                    .filter_map(|item| match item {
                        Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(Ok(certificate)),
                        Ok(_) => None,
                        Err(error) => Some(Err(error)),
                    })
                    .collect::<Result<Vec<_>, _>>()
                    .with_context(|| format!("{} is no PEM file", file.display()))?;
                anyhow::ensure!(!certificates.is_empty(), "{} has no certificate", file.display());
                RootCerts::new_with_certs(&certificates)
            }
        };
        let http = Http(
            ureq::Agent::config_builder()
                .timeout_global(Some(CALL))
                // Only the provider is asked, not whomever it names.
                .max_redirects(0)
                .http_status_as_error(false)
                .tls_config(TlsConfig::builder().root_certs(roots).build())
                .build()
                .new_agent(),
        );
        Ok(Provider {
            secret: secret.map(|text| ClientSecret::new(text.trim().to_owned())),
            config,
            http,
            metadata: tokio::sync::Mutex::default(),
            away: Mutex::default(),
        })
    }

    /// What the page calls it.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    /// Somebody leaves for the provider, and wants to come back to that place of the page.
    pub(crate) async fn begin(&self, then: String) -> Result<Departure, Trouble> {
        let client = self.client().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .set_pkce_challenge(challenge);
        for scope in &self.config.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        if self.config.ask_again {
            request = request.add_prompt(CoreAuthPrompt::Login);
        }
        let (to, state, nonce) = request.url();
        let since = Instant::now();
        let mut away = self.away();
        away.retain(|_, one| since < one.since + PATIENCE);
        if away.len() >= MOST_AWAY
            && let Some(first) = away.iter().min_by_key(|(_, one)| one.since).map(|(state, _)| state.clone())
        {
            away.remove(&first);
        }
        away.insert(state.secret().clone(), Away { verifier, nonce, then, since });
        Ok(Departure { to: to.into(), state: state.into_secret() })
    }

    /// Somebody comes back, with a code or with the provider's refusal; `kept` is what their browser kept. Gives who they
    /// are, and where on the page they wanted to go.
    pub(crate) async fn finish(
        &self,
        state: &str,
        answer: Result<String, String>,
        kept: Option<&str>,
    ) -> Result<(Person, String), Trouble> {
        if kept != Some(state) {
            return Err(Trouble::Stale);
        }
        let away = self.away().remove(state).filter(|one| Instant::now() < one.since + PATIENCE);
        let Away { verifier, nonce, then, .. } = away.ok_or(Trouble::Stale)?;
        let code = AuthorizationCode::new(answer.map_err(Trouble::Denied)?);
        let claims = self.claims(code, verifier, &nonce).await?;
        Ok((self.person(&claims)?, then))
    }

    /// All that the provider says of whoever brought the code: in its signed token, and beside it where it has a place for that.
    async fn claims(
        &self,
        code: AuthorizationCode,
        verifier: PkceCodeVerifier,
        nonce: &Nonce,
    ) -> Result<Map<String, Value>, Trouble> {
        let client = self.client().await?;
        let unbelievable = |error: &dyn std::error::Error| Trouble::Unbelievable(chain(error));
        let tokens = client
            .exchange_code(code)
            .map_err(|e| unbelievable(&e))?
            .set_pkce_verifier(verifier)
            .request_async(&self.http)
            .await
            .map_err(|e| unbelievable(&e))?;
        let token = tokens.id_token().ok_or_else(|| Trouble::Unbelievable("it gave no ID token".into()))?;
        let proof = client.id_token_verifier();
        let said = token.claims(&proof, nonce).map_err(|e| unbelievable(&e))?;
        // The token for further questions belongs to the same answer (OpenID Connect Core, 3.1.3.8).
        if let Some(wanted) = said.access_token_hash() {
            let actual = token.signing_alg().map_err(|e| unbelievable(&e)).and_then(|algorithm| {
                let key = token.signing_key(&proof).map_err(|e| unbelievable(&e))?;
                AccessTokenHash::from_token(tokens.access_token(), algorithm, key)
                    .map_err(|e| unbelievable(&e))
            })?;
            if actual != *wanted {
                return Err(Trouble::Unbelievable("its two tokens do not belong together".into()));
            }
        }
        let subject: SubjectIdentifier = said.subject().clone();
        let mut all = object(said);
        if let Ok(request) = client.user_info(tokens.access_token().clone(), Some(subject)) {
            let more: UserInfoClaims<Others, CoreGenderClaim> =
                request.request_async(&self.http).await.map_err(|e| unbelievable(&e))?;
            for (claim, value) in object(&more) {
                all.entry(claim).or_insert(value);
            }
        }
        Ok(all)
    }

    fn person(&self, claims: &Map<String, Value>) -> Result<Person, Trouble> {
        let text =
            |claim: &str| claims.get(claim).and_then(Value::as_str).map(str::trim).filter(|s| !s.is_empty());
        let claim = &self.config.login_claim;
        let login = text(claim).ok_or_else(|| Trouble::Unbelievable(format!("it gave no claim {claim}")))?;
        let usable = |s: &str| s.chars().count() <= LONGEST && !s.chars().any(char::is_control);
        if !usable(login) || login.contains(['(', ')', ' ']) {
            return Err(Trouble::Unbelievable(format!("the claim {claim} is no login: {login:?}")));
        }
        let grant = self.config.grants.iter().find(|grant| match claims.get(&grant.claim) {
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(&grant.value)),
            Some(one) => one.as_str() == Some(&grant.value),
            None => false,
        });
        let login = format!("{MARK}{login}");
        let grant = grant.ok_or_else(|| Trouble::NoRole(login.clone()))?;
        let name = text("name").filter(|name| usable(name)).unwrap_or(&login).to_owned();
        Ok(Person { name, login, role: grant.role, districts: grant.districts.clone() })
    }

    fn away(&self) -> MutexGuard<'_, HashMap<String, Away>> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The provider by its own description (OpenID Connect Discovery).
    async fn client(&self) -> Result<Client, Trouble> {
        let mut known = self.metadata.lock().await;
        let fresh = known.as_ref().filter(|(since, _)| Instant::now() < *since + BELIEVED);
        let metadata = match fresh {
            Some((_, metadata)) => metadata.clone(),
            None => {
                let asked =
                    CoreProviderMetadata::discover_async(self.config.issuer.clone(), &self.http).await;
                let metadata = asked.map_err(|e| Trouble::Unreachable(chain(&e)))?;
                known.insert((Instant::now(), metadata)).1.clone()
            }
        };
        drop(known);
        // Basic is what everybody takes; some take only the other way.
        let by_body = metadata.token_endpoint_auth_methods_supported().is_some_and(|ways| {
            ways.contains(&CoreClientAuthMethod::ClientSecretPost)
                && !ways.contains(&CoreClientAuthMethod::ClientSecretBasic)
        });
        let client_id = ClientId::new(self.config.client_id.clone());
        let client = Client::from_provider_metadata(metadata, client_id, self.secret.clone())
            .set_redirect_uri(self.config.redirect.clone());
        Ok(if by_body { client.set_auth_type(AuthType::RequestBody) } else { client })
    }
}

/// Asks the provider. There are a few questions for each sign-in, so they may block a thread.
#[derive(Debug)]
struct Http(ureq::Agent);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Call;
    type Future = BoxFuture<'c, Result<HttpResponse, Call>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        let http = self.0.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let (parts, body) = http.run(request)?.into_parts();
            let body = body.into_with_config().limit(LONGEST_ANSWER).read_to_vec()?;
            Ok(HttpResponse::from_parts(parts, body))
        });
        Box::pin(async move { answer.await.map_err(|_| Call::Ended)?.map_err(Call::Failed) })
    }
}

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
enum Call {
    #[error(transparent)]
    Failed(ureq::Error),
    #[error("the program ends")]
    Ended,
}

fn object(claims: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(all)) => all,
        _ => Map::new(),
    }
}

/// An error with all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn provider() -> Provider {
        let grant = |value: &str, role, districts: Option<&str>| Grant {
            claim: "groups".into(),
            value: value.into(),
            role,
            districts: districts.map(|d| [DistrictId::new(d)].into()),
        };
        Provider::open(ProviderConfig {
            name: "City ID".into(),
            issuer: IssuerUrl::new("https://id.example".into()).unwrap(),
            client_id: "svetofor".into(),
            client_secret_file: None,
            redirect: RedirectUrl::new(format!("https://city.example{BACK}")).unwrap(),
            scopes: vec![],
            login_claim: "preferred_username".into(),
            ask_again: false,
            ca: None,
            grants: vec![grant("chiefs", Role::Manage, None), grant("duty", Role::Operate, Some("cao"))],
        })
        .unwrap()
    }

    #[test]
    fn the_first_grant_that_applies_gives_the_role() {
        let check = |claims: Value, expected: &str| {
            let Value::Object(claims) = claims else { panic!("claims are an object") };
            let said = match provider().person(&claims) {
                Ok(p) => format!("{} {:?} {:?}", p.signature(), p.role, p.districts.map(|d| d.len())),
                Err(trouble) => trouble.to_string(),
            };
            assert_eq!(said, expected);
        };
        let of =
            |groups: Value| json!({"preferred_username": "petrova", "name": "А. Петрова", "groups": groups});
        check(of(json!(["staff", "duty"])), "А. Петрова (oidc:petrova) Operate Some(1)");
        check(of(json!(["duty", "chiefs"])), "А. Петрова (oidc:petrova) Manage None");
        check(of(json!("duty")), "А. Петрова (oidc:petrova) Operate Some(1)");
        check(of(json!(["staff"])), "no grant gives oidc:petrova a role");
        check(of(json!({"duty": true})), "no grant gives oidc:petrova a role");
        check(
            json!({"groups": ["duty"]}),
            "the provider's word is not to be believed: it gave no claim preferred_username",
        );
        check(
            json!({"preferred_username": "chief (duty)", "groups": ["duty"]}),
            "the provider's word is not to be believed: the claim preferred_username is no login: \"chief (duty)\"",
        );
        check(json!({"preferred_username": "p", "groups": ["duty"]}), "oidc:p (oidc:p) Operate Some(1)");
    }

    #[tokio::test]
    async fn only_the_browser_that_left_comes_back_and_only_once() {
        let provider = provider();
        let away = || Away {
            verifier: PkceCodeChallenge::new_random_sha256().1,
            nonce: Nonce::new_random(),
            then: "city".into(),
            since: Instant::now(),
        };
        provider.away().insert("s1".into(), away());
        let finish = async |state: &str, kept: Option<&str>| {
            let answer = Err("access_denied".to_owned());
            provider.finish(state, answer, kept).await.unwrap_err().to_string()
        };
        const STALE: &str = "nobody who left from this browser has that state";
        assert_eq!(finish("s1", None).await, STALE);
        assert_eq!(finish("s1", Some("s2")).await, STALE);
        assert_eq!(finish("s2", Some("s2")).await, STALE);
        assert_eq!(finish("s1", Some("s1")).await, "the provider says access_denied");
        assert_eq!(finish("s1", Some("s1")).await, STALE, "a state counts once");
        tokio::time::pause();
        provider.away().insert("s3".into(), away());
        tokio::time::advance(PATIENCE).await;
        assert_eq!(finish("s3", Some("s3")).await, STALE, "they were away for too long");
    }
}
