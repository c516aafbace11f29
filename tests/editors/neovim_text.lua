-- What the plugin does without a server. Arguments: the plugin, and formatted files of the language.
local plugin, file = arg[1], arg[2]
vim.g.meshc_lsp = false
vim.opt.runtimepath:prepend(plugin)
-- A script runs after the detection of filetypes is set up, and init.lua before it.
vim.cmd('filetype off')
vim.g.did_load_filetypes = nil
vim.cmd('filetype plugin indent on')
vim.cmd.runtime('plugin/meshc.lua')

assert(require('meshc.parser').build(), 'the parser is not built')
vim.cmd.edit(file)
assert(vim.bo.filetype == 'mesh', 'the filetype is ' .. vim.bo.filetype)
assert(vim.bo.commentstring == '# %s')

-- Colours come from the parser, and every query fits it.
assert(vim.treesitter.highlighter.active[vim.api.nvim_get_current_buf()], 'no colours')
for _, name in ipairs({ 'highlights', 'folds', 'indents', 'injections' }) do
  assert(vim.treesitter.query.get('mesh', name), 'no query for ' .. name)
end
local function captures(line, word)
  local text = vim.api.nvim_buf_get_lines(0, line, line + 1, true)[1]
  local column = text:find(word, 1, true) - 1
  return vim.tbl_map(function(it)
    return it.capture
  end, vim.treesitter.get_captures_at_pos(0, line, column))
end
local first = vim.fn.search('^namespace', 'nw') - 1
assert(vim.tbl_contains(captures(first, 'namespace'), 'keyword'), vim.inspect(captures(first, 'namespace')))

-- Folds are the blocks.
vim.cmd.normal({ 'zx', bang = true })
assert(vim.fn.foldlevel(first + 2) > 0, 'no folds')

-- Indenting restores a formatted file whose indents are lost.
for _, each in ipairs({ unpack(arg, 2) }) do
  vim.cmd.edit(each)
  local before = vim.api.nvim_buf_get_lines(0, 0, -1, true)
  local flat = vim.tbl_map(function(line)
    return (line:gsub('^%s+', ''))
  end, before)
  vim.api.nvim_buf_set_lines(0, 0, -1, true, flat)
  vim.cmd('silent normal! gg=G')
  local after = vim.api.nvim_buf_get_lines(0, 0, -1, true)
  for number, line in ipairs(before) do
    assert(after[number] == line, ('%s:%d: %q became %q'):format(each, number, line, after[number]))
  end
  vim.cmd.edit({ bang = true })
end

-- The help is there.
vim.cmd.helptags(plugin .. '/doc')
vim.cmd.help('meshc')
io.stdout:write('ok\n')
