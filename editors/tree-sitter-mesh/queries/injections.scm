((comment) @injection.content
  (#set! injection.language "comment"))

(issuer_item
  "jwks"
  (raw_string) @injection.content
  (#set! injection.language "json"))
