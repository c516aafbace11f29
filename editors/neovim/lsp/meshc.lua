---@brief
--- The language server of meshc: `.mesh` files, and the Istio manifests of a project. See |meshc|.

---@type vim.lsp.Config
return {
  cmd = { 'meshc-lsp' },
  filetypes = { 'mesh', 'yaml' },
  -- Without a mesh.toml a file of its own is a project; YAML belongs to a project or to nobody.
  root_dir = function(buffer, start)
    local root = vim.fs.root(buffer, 'mesh.toml')
    if root then
      start(root)
    elseif vim.bo[buffer].filetype == 'mesh' then
      start(vim.fs.dirname(vim.api.nvim_buf_get_name(buffer)))
    end
  end,
}
