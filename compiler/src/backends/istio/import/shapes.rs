//! The structure of the three kinds of `security.istio.io`, and what they share with DestinationRule.

use super::durations::Duration;
use super::schema::{FLAG, Field, SOME_TEXT, SOME_TEXTS, Shape, TEXT, TEXTS, list};

static LABEL_VALUE: Shape = Shape::Text { least: 0, most: 63 };

/// `selector` and `workloadSelector`.
pub(super) static SELECTOR: Shape = Shape::Object(&[Field::new(
    "matchLabels",
    &Shape::Map {
        of: &LABEL_VALUE,
        most: 4096,
    },
)]);

static TARGET_REF: Shape = Shape::Object(&[
    Field::new("group", &Shape::Text { least: 0, most: 253 }),
    Field::new("kind", &Shape::Text { least: 1, most: 63 }).required(),
    Field::new("name", &Shape::Text { least: 1, most: 253 }).required(),
    Field::new("namespace", &TEXT),
]);

static TARGET_REFS: Shape = Shape::List {
    of: &TARGET_REF,
    most: 16,
};

static MTLS: Shape = Shape::Object(&[Field::new(
    "mode",
    &Shape::Choice(&["UNSET", "DISABLE", "PERMISSIVE", "STRICT"]),
)]);

/// The `spec` of a PeerAuthentication.
pub(super) static PEER_AUTHENTICATION: Shape = Shape::Object(&[
    Field::new("mtls", &MTLS),
    Field::new(
        "portLevelMtls",
        &Shape::Map {
            of: &MTLS,
            most: usize::MAX,
        },
    ),
    Field::new("selector", &SELECTOR),
]);

static URI: Shape = Shape::Text { least: 1, most: 2048 };

static FROM_HEADER: Shape = Shape::Object(&[Field::new("name", &SOME_TEXT).required(), Field::new("prefix", &TEXT)]);

static CLAIM_TO_HEADER: Shape = Shape::Object(&[
    Field::new("header", &SOME_TEXT).required(),
    Field::new("claim", &SOME_TEXT).required(),
]);

static JWT_RULE: Shape = Shape::Object(&[
    Field::new("audiences", &SOME_TEXTS),
    Field::new("forwardOriginalToken", &FLAG),
    Field::new("fromCookies", &SOME_TEXTS),
    Field::new("fromHeaders", &list(&FROM_HEADER)),
    Field::new("fromParams", &SOME_TEXTS),
    Field::new("issuer", &SOME_TEXT),
    Field::new("jwks", &TEXT),
    Field::new("jwksUri", &URI),
    Field::new("jwks_uri", &URI),
    Field::new("outputClaimToHeaders", &list(&CLAIM_TO_HEADER)),
    Field::new("outputPayloadToHeader", &TEXT),
    Field::new(
        "spaceDelimitedClaims",
        &Shape::List {
            of: &SOME_TEXT,
            most: 64,
        },
    ),
    Field::new("timeout", &Shape::Duration(Duration::Milliseconds)),
]);

/// The `spec` of a RequestAuthentication.
pub(super) static REQUEST_AUTHENTICATION: Shape = Shape::Object(&[
    Field::new(
        "jwtRules",
        &Shape::List {
            of: &JWT_RULE,
            most: 4096,
        },
    ),
    Field::new("selector", &SELECTOR),
    Field::new("targetRef", &TARGET_REF),
    Field::new("targetRefs", &TARGET_REFS),
]);

static ACCOUNTS: Shape = Shape::List {
    of: &Shape::Text { least: 0, most: 320 },
    most: 16,
};

static SOURCE: Shape = Shape::Object(&[
    Field::new("ipBlocks", &TEXTS),
    Field::new("namespaces", &TEXTS),
    Field::new("notIpBlocks", &TEXTS),
    Field::new("notNamespaces", &TEXTS),
    Field::new("notPrincipals", &TEXTS),
    Field::new("notRemoteIpBlocks", &TEXTS),
    Field::new("notRequestPrincipals", &TEXTS),
    Field::new("notServiceAccounts", &ACCOUNTS),
    Field::new("notTrustDomains", &TEXTS),
    Field::new("principals", &TEXTS),
    Field::new("remoteIpBlocks", &TEXTS),
    Field::new("requestPrincipals", &TEXTS),
    Field::new("serviceAccounts", &ACCOUNTS),
    Field::new("trustDomains", &TEXTS),
]);

static OPERATION: Shape = Shape::Object(&[
    Field::new("hosts", &TEXTS),
    Field::new("methods", &TEXTS),
    Field::new("notHosts", &TEXTS),
    Field::new("notMethods", &TEXTS),
    Field::new("notPaths", &TEXTS),
    Field::new("notPorts", &TEXTS),
    Field::new("paths", &TEXTS),
    Field::new("ports", &TEXTS),
]);

static CONDITION: Shape = Shape::Object(&[
    Field::new("key", &TEXT).required(),
    Field::new("notValues", &TEXTS),
    Field::new("values", &TEXTS),
]);

static RULE: Shape = Shape::Object(&[
    Field::new(
        "from",
        &Shape::List {
            of: &Shape::Object(&[Field::new("source", &SOURCE)]),
            most: 512,
        },
    ),
    Field::new("to", &list(&Shape::Object(&[Field::new("operation", &OPERATION)]))),
    Field::new("when", &list(&CONDITION)),
]);

/// The `spec` of an AuthorizationPolicy.
pub(super) static AUTHORIZATION_POLICY: Shape = Shape::Object(&[
    Field::new("action", &Shape::Choice(&["ALLOW", "DENY", "AUDIT", "CUSTOM"])),
    Field::new("provider", &Shape::Object(&[Field::new("name", &TEXT)])),
    Field::new("rules", &Shape::List { of: &RULE, most: 512 }),
    Field::new("selector", &SELECTOR),
    Field::new("targetRef", &TARGET_REF),
    Field::new("targetRefs", &TARGET_REFS),
]);
