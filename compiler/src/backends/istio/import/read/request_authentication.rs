//! RequestAuthentication: issuers, their keys, and where their tokens stand.

use super::{flag, selection, text, texts};
use crate::backends::yaml::tree::Node;
use crate::policy::{HeaderPlace, JwtRule, Keys, Meta, RequestAuthentication, Selection};

pub(super) fn read(meta: Meta, spec: Option<&Node>) -> RequestAuthentication {
    RequestAuthentication {
        meta,
        selection: spec.map_or(Selection::All, selection::read),
        rules: spec.map_or_else(Vec::new, |spec| {
            spec.items_of("jwtRules").iter().map(|rule| jwt_rule(rule)).collect()
        }),
    }
}

fn jwt_rule(rule: &Node) -> JwtRule {
    let keys = match (
        text(rule, "jwks"),
        text(rule, "jwksUri").or_else(|| text(rule, "jwks_uri")),
    ) {
        (Some(keys), _) => Keys::Inline(keys),
        (None, Some(uri)) => Keys::Uri(uri),
        (None, None) => Keys::Discovery,
    };
    let headers = rule.items_of("fromHeaders").iter();
    let outputs = rule.items_of("outputClaimToHeaders").iter();
    JwtRule {
        issuer: text(rule, "issuer"),
        keys,
        audiences: texts(rule, "audiences"),
        from_headers: headers
            .filter_map(|header| {
                Some(HeaderPlace {
                    name: text(header, "name")?,
                    prefix: text(header, "prefix"),
                })
            })
            .collect(),
        from_params: texts(rule, "fromParams"),
        from_cookies: texts(rule, "fromCookies"),
        forward_original_token: flag(rule, "forwardOriginalToken"),
        output_payload_to_header: text(rule, "outputPayloadToHeader"),
        output_claim_to_headers: outputs
            .filter_map(|output| Some((text(output, "header")?, text(output, "claim")?)))
            .collect(),
        timeout: text(rule, "timeout"),
        space_delimited_claims: texts(rule, "spaceDelimitedClaims"),
        origin: rule.span,
    }
}
