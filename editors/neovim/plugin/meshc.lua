if vim.g.loaded_meshc then
  return
end
vim.g.loaded_meshc = true

vim.api.nvim_create_user_command('MeshcBuildParser', function()
  require('meshc.parser').build()
end, { desc = 'Build the Tree-sitter parser of Mesh with the C compiler' })

if vim.g.meshc_lsp ~= false then
  vim.lsp.enable('meshc')
  -- Neovim itself says it in its log alone.
  vim.api.nvim_create_autocmd('FileType', {
    pattern = 'mesh',
    once = true,
    callback = function()
      local problem = require('meshc.server').problem()
      if problem then
        vim.notify(problem, vim.log.levels.WARN)
      end
    end,
  })
end
