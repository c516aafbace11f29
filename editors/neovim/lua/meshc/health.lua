local M = {}

--- `:checkhealth meshc`
function M.check()
  local health, server = vim.health, require('meshc.server')
  health.start('meshc')
  local program, problem = server.program(), server.problem()
  if problem then
    health.error(problem, 'cargo install --path lsp, in a clone of meshc')
  elseif program then
    health.ok(vim.trim(vim.fn.system({ program, '--version' })) .. ', ' .. vim.fn.exepath(program))
  else
    health.ok('the language server is started by a function')
  end
  if require('meshc.parser').found() then
    health.ok('the Tree-sitter parser is built')
  else
    health.warn('there are no colours: the Tree-sitter parser is not built', ':MeshcBuildParser')
  end
end

return M
