if vim.b.did_ftplugin then
  return
end
vim.b.did_ftplugin = 1

vim.bo.commentstring = '# %s'
vim.bo.comments = ':##,:#'
vim.bo.shiftwidth = 4
vim.bo.softtabstop = 4
vim.bo.expandtab = true
-- A word of the language holds these too: `ns/web`, `/orders/{*}`, `10.0.0.0/8`.
vim.bo.iskeyword = '@,48-57,_,-,.,/,*'
vim.bo.indentexpr = "v:lua.require'meshc.indent'.get()"
vim.bo.indentkeys = '0{,0},0),0],!^F,o,O'

vim.b.undo_ftplugin = 'setlocal commentstring< comments< shiftwidth< softtabstop< expandtab< iskeyword< indentexpr< indentkeys<'

if require('meshc.parser').found() then
  vim.treesitter.start(0, 'mesh')
  if vim.api.nvim_get_current_buf() == vim.api.nvim_win_get_buf(0) then
    vim.wo[0][0].foldmethod = 'expr'
    vim.wo[0][0].foldexpr = 'v:lua.vim.treesitter.foldexpr()'
    vim.wo[0][0].foldlevel = 99
  end
end
