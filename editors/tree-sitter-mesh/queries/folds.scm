[
  (block)
  (issuer_block)
  (destination_block)
  (subset_block)
  (tls_block)
  (test_block)
  (client_test_block)
  (json_object)
] @fold
