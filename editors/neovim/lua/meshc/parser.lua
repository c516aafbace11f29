--- The Tree-sitter parser: `parser/mesh.so` on the runtime path, built from the grammar beside this plugin.
local M = {}

local plugin = vim.fs.dirname(vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(debug.getinfo(1, 'S').source:sub(2)))))

--- Whether Neovim has a parser for Mesh.
function M.found()
  local known = vim.treesitter.language.add('mesh')
  return known == true
end

--- Builds the parser and says what came of it.
function M.build()
  local sources = vim.fs.joinpath(vim.fs.dirname(plugin), 'tree-sitter-mesh', 'src')
  local folder = vim.fs.joinpath(plugin, 'parser')
  vim.fn.mkdir(folder, 'p')
  local made = vim.fs.joinpath(folder, 'mesh.so')
  local compiler = vim.env.CC or 'cc'
  local command = { compiler, '-O2', '-fPIC', '-shared', '-I', sources, vim.fs.joinpath(sources, 'parser.c'), '-o', made }
  local ok, ran = pcall(function()
    return vim.system(command, { text = true }):wait()
  end)
  if not ok then
    vim.notify('meshc: there is no C compiler `' .. compiler .. '`; set $CC to one', vim.log.levels.ERROR)
  elseif ran.code ~= 0 then
    vim.notify('meshc: the parser cannot be built:\n' .. ran.stderr, vim.log.levels.ERROR)
  else
    vim.notify('meshc: built ' .. made .. '; open the file again to see its colours')
  end
  return ok and ran.code == 0
end

return M
