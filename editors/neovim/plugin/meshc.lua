if vim.g.loaded_meshc then
  return
end
vim.g.loaded_meshc = true

vim.api.nvim_create_user_command('MeshcBuildParser', function()
  require('meshc.parser').build()
end, { desc = 'Build the Tree-sitter parser of Mesh with the C compiler' })

if vim.g.meshc_lsp ~= false then
  vim.lsp.enable('meshc')
end
