local M = {}

--- The program of the server, or nothing where a function of the user's starts it.
---@return string?
function M.program()
  local config = vim.lsp.config.meshc
  local command = config and config.cmd
  return type(command) == 'table' and command[1] or nil
end

--- Why the server cannot be started, and what to do.
---@return string?
function M.problem()
  local program = M.program()
  if program and vim.fn.executable(program) == 0 then
    return ('meshc: the language server %s is no program on $PATH; see :help meshc-server'):format(program)
  end
end

return M
