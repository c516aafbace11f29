-- Uses the server as Neovim's user would. Arguments: the plugin, the server, and the folder of a project.
local plugin, server, project = arg[1], arg[2], arg[3]
vim.opt.runtimepath:prepend(plugin)
-- A script runs after the detection of filetypes is set up, and init.lua before it.
vim.cmd('filetype off')
vim.g.did_load_filetypes = nil
vim.cmd('filetype plugin indent on')

local function wait(what, condition)
  assert(vim.wait(60000, condition, 20), 'in vain for ' .. what)
end

local function at(pattern)
  vim.fn.cursor(1, 1)
  assert(vim.fn.search(pattern, 'cW') > 0, 'no ' .. pattern)
end

local function line(pattern)
  local found = vim.fn.search(pattern, 'nw')
  assert(found > 0, 'no ' .. pattern)
  return vim.fn.getline(found)
end

local function ask(method, more)
  local client = assert(vim.lsp.get_clients({ bufnr = 0 })[1], 'no server')
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local answer = client:request_sync(method, vim.tbl_extend('force', params, more or {}), 60000, vim.api.nvim_get_current_buf())
  assert(answer and not answer.err, vim.inspect(answer))
  return answer.result
end

-- Without a server it says what to do. Once that is done, all is well.
local said = {}
local notify = vim.notify
vim.notify = function(message)
  table.insert(said, message)
end
vim.lsp.config('meshc', { cmd = { '/nowhere/meshc-lsp' } })
vim.cmd.runtime('plugin/meshc.lua')
vim.cmd.edit(project .. '/shop.mesh')
assert(#said == 1 and said[1]:find('/nowhere/meshc-lsp is no program', 1, true), vim.inspect(said))
vim.notify = notify
vim.lsp.config('meshc', { cmd = { server } })
vim.cmd.checkhealth('meshc')
local health = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\n')
assert(health:find('OK meshc%-lsp %d') and health:find(':MeshcBuildParser', 1, true), health)
vim.cmd.bwipeout()
vim.cmd.edit(project .. '/shop.mesh')
wait('a server', function()
  return #vim.lsp.get_clients({ bufnr = 0 }) == 1
end)

-- A finding, and its fix.
wait('a finding', function()
  return #vim.diagnostic.get(0) > 0
end)
local finding = vim.diagnostic.get(0)[1]
assert(finding.code == 'unknown-name' or finding.message:find('wbe', 1, true), vim.inspect(finding))
vim.fn.cursor(finding.lnum + 1, finding.col + 1)
local fixed = false
vim.lsp.buf.code_action({
  filter = function(action)
    return action.title == 'Write `web`'
  end,
  apply = true,
})
wait('the fix', function()
  fixed = line('GET /$'):find('via web to', 1, true) ~= nil
  return fixed
end)
wait('no findings', function()
  return #vim.diagnostic.get(0) == 0
end)

-- Hover.
at('default deny')
vim.lsp.buf.hover()
local shown
wait('the hover', function()
  shown = vim.iter(vim.api.nvim_list_wins()):find(function(window)
    return vim.api.nvim_win_get_config(window).relative ~= ''
  end)
  return shown ~= nil
end)
local hover = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(shown), 0, -1, true)
assert(vim.list_contains(hover, 'kind: AuthorizationPolicy'), vim.inspect(hover))
vim.api.nvim_win_close(shown, true)

-- Completion of a name that another file declares.
at('via web to GET')
vim.o.virtualedit = 'onemore'
vim.fn.append('.', '        allow sta')
vim.fn.cursor(vim.fn.line('.') + 1, 18)
local completion = ask('textDocument/completion')
local items = completion.items or completion
assert(
  vim.iter(items):any(function(item)
    return item.label == 'staff'
  end),
  vim.inspect(items)
)
vim.api.nvim_set_current_line('        allow staff to    GET   /staff')

-- Formatting.
vim.lsp.buf.format({ timeout_ms = 60000 })
assert(line('staff to'):find('        allow staff to GET /staff', 1, true), line('staff to'))

-- Definition, in another file.
at('allow \\zsstaff')
vim.lsp.buf.definition()
wait('the definition', function()
  return vim.api.nvim_buf_get_name(0):find('tokens.mesh', 1, true) ~= nil
end)
assert(vim.fn.getline('.'):find('issuer staff', 1, true), vim.fn.getline('.'))

-- Rename across files.
vim.lsp.buf.rename('people')
wait('the new name', function()
  return vim.fn.search('issuer people', 'nw') > 0
end)
vim.cmd.buffer('shop.mesh')
wait('the new name in the other file', function()
  return vim.fn.search('allow people to GET', 'nw') > 0
end)

-- A manifest of the project.
vim.cmd.edit(project .. '/k8s/policy.yaml')
wait('the same server', function()
  return #vim.lsp.get_clients({ bufnr = 0 }) == 1
end)
assert(#vim.lsp.get_clients() == 1, 'a project has two servers')
wait('a finding in a manifest', function()
  return vim.iter(vim.diagnostic.get(0)):any(function(it)
    return it.code == 'odd-method'
  end)
end)

for _, client in ipairs(vim.lsp.get_clients()) do
  client:stop()
end
wait('the end', function()
  return #vim.lsp.get_clients() == 0
end)
io.stdout:write('ok\n')
