//! What emission costs beside the serializer: the same objects, built from the policy model and written, or only written.

mod measure;

use criterion::Criterion;
use meshc::backends::istio::{authorization, peer_authentication, request_authentication, resources};
use meshc::backends::object::Resource;
use meshc::backends::{emit, yaml};
use meshc::policy::{
    Action, Authorization, Condition, ConditionKey, JwtRule, Keys, Labels, Lists, Meta, MtlsMode, OneOrMore, Operation,
    PeerAuthentication, PeerScope, PolicySet, RequestAuthentication, Rule, Selection, Source, StringMap, Target,
};
use meshc::source::Span;
use serde::Serialize;

/// Few enough that a run seldom meets another process.
const NAMESPACES: usize = 100;
const ROOT: &str = "istio-system";

/// Emission may cost a quarter more than the serializer.
const BAR: f64 = 1.25;

fn main() {
    let mut criterion = Criterion::default().sample_size(100).configure_from_args();
    let policies = policies();
    let target = Target::NEWEST;
    let objects = Objects {
        peers: policies
            .peer_authentications
            .iter()
            .map(|p| peer_authentication(p, target))
            .collect(),
        requests: policies
            .request_authentications
            .iter()
            .map(|p| request_authentication(p, target))
            .collect(),
        accesses: policies
            .authorizations
            .iter()
            .map(|p| authorization(p, target))
            .collect(),
    };

    let saphyr = measure::best(&mut criterion, "emit/serde-saphyr", || objects.write(&Saphyr));
    let serializer = measure::best(&mut criterion, "emit/serializer alone", || objects.write(&Ours));
    let emission = measure::best(&mut criterion, "emit/emission", || emit(&policies, target, ROOT));
    criterion.final_summary();

    let artifacts = emit(&policies, target, ROOT);
    let bytes: usize = artifacts.iter().map(|artifact| artifact.text.len()).sum();
    measure::size(&format!("{} objects, {} kB", artifacts.len(), bytes / 1000));
    measure::ratio("emission / serializer alone", emission, serializer, BAR);
    measure::ratio("serializer / serde-saphyr", serializer, saphyr, 1.0);
}

struct Objects<'a> {
    peers: Vec<Resource<'a, resources::PeerAuthentication<'a>>>,
    requests: Vec<Resource<'a, resources::RequestAuthentication<'a>>>,
    accesses: Vec<Resource<'a, resources::AuthorizationPolicy<'a>>>,
}

impl Objects<'_> {
    fn write(&self, writer: &impl Writer) -> Vec<String> {
        let peers = self.peers.iter().map(|object| writer.text(object));
        let requests = self.requests.iter().map(|object| writer.text(object));
        let accesses = self.accesses.iter().map(|object| writer.text(object));
        peers.chain(requests).chain(accesses).collect()
    }
}

trait Writer {
    fn text(&self, value: &impl Serialize) -> String;
}

struct Ours;

impl Writer for Ours {
    fn text(&self, value: &impl Serialize) -> String {
        yaml::to_text(value).unwrap_or_default()
    }
}

struct Saphyr;

impl Writer for Saphyr {
    fn text(&self, value: &impl Serialize) -> String {
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        serde_saphyr::to_string_with_options(value, options).unwrap_or_default()
    }
}

/// What a namespace with a frontend, an API and a database comes to: ten access rules in five AuthorizationPolicies.
fn policies() -> PolicySet {
    let mut policies = PolicySet::default();
    for number in 0..NAMESPACES {
        let namespace = format!("team-{number:05}");
        let meta = |name: &str| Meta {
            name: name.to_owned(),
            namespace: Some(namespace.clone()),
            labels: map("app.kubernetes.io/managed-by", "meshc"),
            annotations: map(
                "kubernetes.io/description",
                "What the team runs. Nobody else may call it.",
            ),
            created: None,
            origin: Span::default(),
        };
        let account = |name: &str| vec![format!("cluster.local/ns/{namespace}/sa/{name}")];
        let rule = |principals: Vec<String>, methods: &[&str], paths: &[&str], ports: Vec<u16>| Rule {
            sources: vec![Source {
                principals: values(principals),
                ..Source::default()
            }],
            operations: vec![Operation {
                methods: values(strings(methods)),
                paths: values(strings(paths)),
                ports: values(ports),
                ..Operation::default()
            }],
            ..Rule::default()
        };
        let with_token = |rule: Rule| Rule {
            conditions: vec![Condition {
                key: ConditionKey::Claim(strings(&["groups"])),
                lists: values(strings(&["admin"])),
            }],
            ..rule
        };
        let allow = |name: &str, app: &str, action: Action| Authorization {
            meta: meta(name),
            selection: select(app),
            action,
            dry_run: false,
        };
        policies.peer_authentications.push(PeerAuthentication {
            meta: meta("default"),
            mode: Some(MtlsMode::Strict),
            scope: PeerScope::Namespace,
        });
        policies.request_authentications.push(RequestAuthentication {
            meta: meta("api"),
            selection: select("api"),
            rules: vec![jwt_rule()],
        });
        let any = || vec!["*".to_owned()];
        let web = vec![
            rule(any(), &["GET"], &["/healthz", "/livez", "/readyz"], vec![]),
            rule(account("prometheus"), &["GET"], &["/metrics"], vec![9090]),
            rule(account("ingress"), &["GET"], &["/", "/static/*"], vec![]),
        ];
        let api = vec![
            rule(any(), &["GET"], &["/healthz", "/livez", "/readyz"], vec![]),
            rule(account("web"), &["GET", "HEAD"], &["/items/*", "/orders/{*}"], vec![]),
            with_token(rule(
                account("web"),
                &["POST", "PUT", "PATCH", "DELETE"],
                &["/items/{*}"],
                vec![],
            )),
            rule(account("guest"), &["GET"], &["/items/{*}/summary"], vec![]),
        ];
        let deny = OneOrMore::one(rule(account("guest"), &["DELETE"], &[], vec![]));
        let db = vec![
            rule(account("api"), &[], &[], vec![5432]),
            rule(account("prometheus"), &["GET"], &["/metrics"], vec![9187]),
        ];
        policies.authorizations.extend([
            Authorization {
                selection: Selection::All,
                ..allow("default-deny", "", Action::Allow(vec![]))
            },
            allow("web-allow", "web", Action::Allow(web)),
            allow("api-allow", "api", Action::Allow(api)),
            allow("api-deny", "api", Action::Deny(deny)),
            allow("db-allow", "db", Action::Allow(db)),
        ]);
    }
    policies
}

fn jwt_rule() -> JwtRule {
    JwtRule {
        issuer: Some("https://id.example.com/realms/staff".to_owned()),
        keys: Keys::Uri("https://id.example.com/realms/staff/protocol/openid-connect/certs".to_owned()),
        audiences: strings(&["tenants-api"]),
        from_headers: vec![],
        from_params: vec![],
        from_cookies: vec![],
        forward_original_token: true,
        output_payload_to_header: None,
        output_claim_to_headers: vec![],
        timeout: None,
        space_delimited_claims: vec![],
        origin: Span::default(),
    }
}

fn select(app: &str) -> Selection {
    Labels::new(map("app", app)).map_or(Selection::All, Selection::Labels)
}

fn map(key: &str, value: &str) -> StringMap {
    StringMap::from([(key.to_owned(), value.to_owned())])
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

const fn values<T>(values: Vec<T>) -> Lists<T> {
    Lists {
        values,
        not_values: Vec::new(),
    }
}
