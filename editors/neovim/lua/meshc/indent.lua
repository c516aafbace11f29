--- Indents by brackets: a line after an open one is one level deeper, a closing one is back at its line.
local M = {}

--- A line without its strings and comments, which hold brackets that count for nothing.
local function bare(line)
  return (line:gsub('"""(.-)"""', ''):gsub('\\.', ''):gsub('"[^"]*"', ''):gsub('#.*$', ''))
end

local function balance(line)
  local depth = 0
  -- `/orders/{*}` is a path, and `${name}` a parameter.
  for sign in bare(line):gsub('{%*+}', ''):gsub('%${.-}', ''):gmatch('[%[%](){}]') do
    depth = depth + (sign:match('[%[({]') and 1 or -1)
  end
  return depth
end

function M.get()
  local above = vim.fn.prevnonblank(vim.v.lnum - 1)
  if above == 0 then
    return 0
  end
  local line = vim.fn.getline(above)
  local indent = vim.fn.indent(above)
  -- A closing bracket at the start of the line above has had its effect there.
  local depth = balance((line:gsub('^%s*[%])}]+', '')))
  if depth > 0 then
    indent = indent + vim.fn.shiftwidth()
  elseif depth < 0 then
    indent = indent + depth * vim.fn.shiftwidth()
  end
  if vim.fn.getline(vim.v.lnum):match('^%s*[%])}]') then
    indent = indent - vim.fn.shiftwidth()
  end
  return math.max(indent, 0)
end

return M
