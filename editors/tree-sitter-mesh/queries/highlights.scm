; Colours of the Mesh language. The names of captures are those that Neovim, Helix and Zed share.

(comment) @comment
(doc_comment) @comment.documentation
(suppression) @keyword.directive

; Values, before what they stand for is known.

(string) @string
(raw_string) @string
(escape) @string.escape
(interpolation ["${" "}"] @punctuation.special)
(interpolation (name) @variable.parameter)
(parameter_value "${" @punctuation.special)
(parameter_value "}" @punctuation.special)
(parameter_value (name) @variable.parameter)

((word) @number
  (#match? @number "^[0-9]+(:[0-9]+)?$"))

; Declarations and what refers to them.

(use path: (word) @module)
(import name: (name) @type)
(import alias: (name) @type)
(issuer name: (name) @type)
(issuer base: (reference) @type)
(identity name: (name) @type)
(operation name: (name) @type)
(template name: (name) @function)
(apply template: (reference) @function)
(param name: (name) @variable.parameter)
(parameter name: (name) @variable.parameter)
(arguments name: (name) @variable.parameter)
(namespace name: (word) @namespace)
(target name: (word) @type)
(object name: (word) @type)
(subset name: (word) @type)
(test place: (word) @type)
(client_test place: (word) @type)
(reference) @type
(pair key: (word) @property)
(json_member key: (word) @property)
(key (word) @property)
(claim (word) @property)

; Requests.

((bare (word) @constant)
  (#match? @constant "^[A-Z][A-Z0-9_-]*$"))
((bare (word) @string.special)
  (#match? @string.special "^/"))
((bare (word) @type)
  (#match? @type "^[a-z]"))

(rule mode: (word) @constant)
(tls mode: (word) @constant)
(expectation outcome: (word) @constant)
(client_expectation outcome: (word) @constant)
(port protocol: _ @constant)

; Words of the language.

[
  "use" "param" "issuer" "identity" "operation" "template" "apply" "mesh" "namespace" "workload" "service"
  "service-entry" "gateway" "waypoint" "object" "destination" "subset" "test" "never" "always" "metadata" "legacy"
] @keyword

[
  "select" "ports" "provider" "aliases" "trusts" "account" "dataplane" "use-waypoint" "trusted-proxies" "root" "domain"
  "trust-domain" "workload-label" "normalization" "auto-mtls" "client-tls" "iss" "jwks-uri" "jwks" "payload-header"
  "timeout" "presence" "audiences" "forward" "claims" "claim-headers" "cookie" "label" "annotation" "export-to"
  "clients" "tls" "client-certificate" "private-key" "ca-certificates" "crl" "credential" "san" "skip-verify"
  "headless" "fail-open" "peer-optional" "allow-tls" "bind-peer" "peer-token"
] @property

[
  "allow" "deny" "audit" "ask" "default" "mtls" "accept" "require" "dry-run" "expect"
] @keyword.function

[
  "about" "to" "from" "as" "at" "on" "of" "via" "when" "where" "with" "including" "tcp" "pod" "answer"
] @keyword.modifier

[
  "or" "and" "except" "&" "has" "lacks" "present" "absent"
] @keyword.operator

[ "=" "!=" ] @operator

[
  "anyone" "any-peer" "outsider" "any" "token" "expired" "forged"
] @constant.builtin

[
  "sa" "ns" "principal" "request-principal" "peer-ip" "client-ip" "method" "path" "path-regex" "grpc" "host"
  "authority" "port" "sni" "dest-ip" "header" "filter"
] @function.builtin

[ "(" ")" "[" "]" "{" "}" ] @punctuation.bracket
[ "," ":" ] @punctuation.delimiter
