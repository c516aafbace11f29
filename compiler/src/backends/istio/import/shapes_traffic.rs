//! The structure of a DestinationRule.

use super::durations::Duration;
use super::schema::{FLAG, Field, Shape, TEXT, TEXTS, list};
use super::shapes::SELECTOR;

static INT32: Shape = Shape::Whole {
    least: i32::MIN as i128,
    most: i32::MAX as i128,
};
static UINT32: Shape = Shape::Whole {
    least: 0,
    most: u32::MAX as i128,
};
static UINT64: Shape = Shape::Whole {
    least: 0,
    most: u64::MAX as i128,
};
static PERCENT: Shape = Shape::Number {
    least: 0.0,
    most: 100.0,
};
static ANY_TIME: Shape = Shape::Duration(Duration::Any);
static SOME_TIME: Shape = Shape::Duration(Duration::Some);
static TIME: Shape = Shape::Duration(Duration::Milliseconds);

static TLS: Shape = Shape::Object(&[
    Field::new("caCertificates", &TEXT),
    Field::new("caCrl", &TEXT),
    Field::new("clientCertificate", &TEXT),
    Field::new("credentialName", &TEXT),
    Field::new("insecureSkipVerify", &FLAG).nullable(),
    Field::new("mode", &Shape::Choice(&["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"])),
    Field::new("privateKey", &TEXT),
    Field::new("sni", &TEXT),
    Field::new("subjectAltNames", &TEXTS),
]);

static HTTP2_KEEPALIVE: Shape = Shape::Object(&[Field::new("interval", &TIME), Field::new("timeout", &TIME)]);

static HTTP_POOL: Shape = Shape::Object(&[
    Field::new(
        "h2UpgradePolicy",
        &Shape::Choice(&["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"]),
    ),
    Field::new("http1MaxPendingRequests", &INT32),
    Field::new("http2KeepAlive", &HTTP2_KEEPALIVE),
    Field::new("http2MaxRequests", &INT32),
    Field::new("idleTimeout", &TIME),
    Field::new("maxConcurrentStreams", &INT32),
    Field::new("maxRequestsPerConnection", &INT32),
    Field::new("maxRetries", &INT32),
    Field::new("useClientProtocol", &FLAG),
]);

static TCP_KEEPALIVE: Shape = Shape::Object(&[
    Field::new("interval", &TIME),
    Field::new("probes", &UINT32),
    Field::new("time", &TIME),
]);

static TCP_POOL: Shape = Shape::Object(&[
    Field::new("connectTimeout", &TIME),
    Field::new("idleTimeout", &Shape::Duration(Duration::MillisecondsOrNone)),
    Field::new("maxConnectionDuration", &TIME),
    Field::new("maxConnections", &INT32),
    Field::new("tcpKeepalive", &TCP_KEEPALIVE),
]);

static CONNECTION_POOL: Shape = Shape::Object(&[Field::new("http", &HTTP_POOL), Field::new("tcp", &TCP_POOL)]);

static COOKIE_ATTRIBUTE: Shape = Shape::Object(&[Field::new("name", &TEXT).required(), Field::new("value", &TEXT)]);

static COOKIE: Shape = Shape::Object(&[
    Field::new("attributes", &list(&COOKIE_ATTRIBUTE)),
    Field::new("name", &TEXT).required(),
    Field::new("path", &TEXT),
    Field::new("ttl", &ANY_TIME),
]);

static CONSISTENT_HASH: Shape = Shape::Object(&[
    Field::new("httpCookie", &COOKIE),
    Field::new("httpHeaderName", &TEXT),
    Field::new("httpQueryParameterName", &TEXT),
    Field::new("maglev", &Shape::Object(&[Field::new("tableSize", &UINT64)])),
    Field::new("minimumRingSize", &UINT64),
    Field::new("ringHash", &Shape::Object(&[Field::new("minimumRingSize", &UINT64)])),
    Field::new("useSourceIp", &FLAG),
]);

static FAILOVER: Shape = Shape::Object(&[Field::new("from", &TEXT), Field::new("to", &TEXT)]);

static DISTRIBUTE: Shape = Shape::Object(&[
    Field::new("from", &TEXT),
    Field::new(
        "to",
        &Shape::Map {
            of: &UINT32,
            most: usize::MAX,
        },
    ),
]);

static LOCALITY: Shape = Shape::Object(&[
    Field::new("distribute", &list(&DISTRIBUTE)),
    Field::new("enabled", &FLAG).nullable(),
    Field::new("failover", &list(&FAILOVER)),
    Field::new("failoverPriority", &TEXTS),
]);

static WARMUP: Shape = Shape::Object(&[
    Field::new(
        "aggression",
        &Shape::Number {
            least: 0.0,
            most: f64::MAX,
        },
    )
    .nullable(),
    Field::new("duration", &TIME).required(),
    Field::new("minimumPercent", &PERCENT).nullable(),
]);

static LOAD_BALANCER: Shape = Shape::Object(&[
    Field::new("consistentHash", &CONSISTENT_HASH),
    Field::new("localityLbSetting", &LOCALITY),
    Field::new(
        "simple",
        &Shape::Choice(&[
            "UNSPECIFIED",
            "LEAST_CONN",
            "RANDOM",
            "PASSTHROUGH",
            "ROUND_ROBIN",
            "LEAST_REQUEST",
        ]),
    ),
    Field::new("warmup", &WARMUP),
    Field::new("warmupDurationSecs", &SOME_TIME),
    Field::new("zoneAwareLbSetting", &ZONE_AWARE),
]);

static ZONE_AWARE: Shape = Shape::Object(&[
    Field::new("enabled", &FLAG).nullable(),
    Field::new("failover", &list(&FAILOVER)),
    Field::new("failoverPriority", &TEXTS),
    Field::new(
        "minClusterSize",
        &Shape::Whole {
            least: 1,
            most: u32::MAX as i128,
        },
    )
    .nullable(),
]);

static OUTLIER_DETECTION: Shape = Shape::Object(&[
    Field::new("baseEjectionTime", &TIME),
    Field::new("consecutive5xxErrors", &UINT32).nullable(),
    Field::new("consecutiveErrors", &INT32),
    Field::new("consecutiveGatewayErrors", &UINT32).nullable(),
    Field::new("consecutiveLocalOriginFailures", &UINT32).nullable(),
    Field::new("interval", &TIME),
    Field::new("maxEjectionPercent", &INT32),
    Field::new("minHealthPercent", &INT32),
    Field::new("splitExternalLocalOriginErrors", &FLAG),
    Field::new(
        "outlierDetectionHttpErrorCodes",
        &list(&Shape::Whole { least: 100, most: 599 }),
    ),
]);

static PORT_POLICY: Shape = Shape::Object(&[
    Field::new("connectionPool", &CONNECTION_POOL),
    Field::new("loadBalancer", &LOAD_BALANCER),
    Field::new("outlierDetection", &OUTLIER_DETECTION),
    Field::new("port", &Shape::Object(&[Field::new("number", &UINT32)])),
    Field::new("tls", &TLS),
]);

static TRAFFIC_POLICY: Shape = Shape::Object(&[
    Field::new("connectionPool", &CONNECTION_POOL),
    Field::new("loadBalancer", &LOAD_BALANCER),
    Field::new("outlierDetection", &OUTLIER_DETECTION),
    Field::new(
        "portLevelSettings",
        &Shape::List {
            of: &PORT_POLICY,
            most: 4096,
        },
    ),
    Field::new(
        "proxyProtocol",
        &Shape::Object(&[Field::new("version", &Shape::Choice(&["V1", "V2"]))]),
    ),
    Field::new(
        "retryBudget",
        &Shape::Object(&[
            Field::new("budgetInterval", &ANY_TIME),
            Field::new("minRetryConcurrency", &UINT32),
            Field::new("percent", &PERCENT).nullable(),
        ]),
    ),
    Field::new("tls", &TLS),
    Field::new(
        "tunnel",
        &Shape::Object(&[
            Field::new("protocol", &TEXT),
            Field::new("targetHost", &TEXT).required(),
            Field::new("targetPort", &UINT32).required(),
        ]),
    ),
]);

static SUBSET: Shape = Shape::Object(&[
    Field::new(
        "labels",
        &Shape::Map {
            of: &TEXT,
            most: usize::MAX,
        },
    ),
    Field::new("name", &TEXT).required(),
    Field::new("trafficPolicy", &TRAFFIC_POLICY),
]);

/// The `spec` of a DestinationRule.
pub(super) static DESTINATION_RULE: Shape = Shape::Object(&[
    Field::new("exportTo", &TEXTS),
    Field::new("host", &TEXT).required(),
    Field::new("subsets", &list(&SUBSET)),
    Field::new("trafficPolicy", &TRAFFIC_POLICY),
    Field::new("workloadSelector", &SELECTOR),
]);
