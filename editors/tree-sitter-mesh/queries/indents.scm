; For nvim-treesitter; Helix has names of its own.

[
  (block)
  (issuer_block)
  (destination_block)
  (subset_block)
  (tls_block)
  (test_block)
  (client_test_block)
  (json_object)
  (json_array)
  (list)
  (arguments)
  (parameters)
] @indent.begin

[ "}" "]" ")" ] @indent.branch @indent.end
