--- Run commands through Weir: a client over the JSON-RPC that Neovim has for language servers.
---
---   local weir = require('weir').connect()
---   weir:start({ argv = { 'make', '-k' } }, {
---     on_output = function(event) append(event.text) end,
---     on_closed = function() print('done') end,
---   })

local M = {}
local Weir = {}
Weir.__index = Weir

--- Puts a question of a policy to the user.
local function confirm(question)
  local text = ('%s\n%s\nin %s'):format(question.question, table.concat(question.argv, ' '), question.cwd)
  return vim.fn.confirm(text, '&Run it\n&No', 2) == 1
end

--- Starts the host and shakes hands.
---@param opts table|nil
---   - cmd (string[]): what serves Weir; `{ 'ssh', host, 'weir' }` does as well
---   - ask (function): called with a question of a policy; true lets the command run
---   - on_exit (function): called with the host's exit status
---@return table
function M.connect(opts)
  opts = opts or {}
  local self = setmetatable({ handlers = {}, started = 0, ask = opts.ask or confirm }, Weir)
  local dispatchers = {
    notification = function(method, event)
      self:_told(method, event)
    end,
    server_request = function(method, params)
      return self:_asked(method, params)
    end,
    on_exit = function(status)
      self.status = status
      if opts.on_exit then
        opts.on_exit(status)
      end
    end,
  }
  local cmd = opts.cmd or { 'weir' }
  if vim.fn.has('nvim-0.10') == 1 then
    self.rpc = vim.lsp.rpc.start(cmd, dispatchers)
  else
    self.rpc = vim.lsp.rpc.start(cmd[1], vim.list_slice(cmd, 2), dispatchers)
  end
  -- Nothing has to wait for the answer: Weir takes requests in the order in which they are sent.
  self.rpc.request('initialize', { clientName = 'neovim', capabilities = { ask = true } }, function(failure, result)
    assert(not failure, tostring(failure))
    self.capabilities = result.capabilities
  end)
  self.rpc.notify('initialized', {})
  return self
end

--- Starts a process.
---@param params table those of `process/start`
---@param handlers table each is called with its event
---   - on_started, on_output, on_exited, on_closed; output can come after the exit, and never after the close
---   - on_failed: nothing runs; called with the error, whose `data.kind` is the word to match on
---@return string, number the id of the process, and that of the request, for `cancel`
function Weir:start(params, handlers)
  self.started = self.started + 1
  local id = 'neovim-' .. self.started
  -- Known before the request is sent, so nothing is missed.
  self.handlers[id] = handlers
  params = vim.tbl_extend('keep', { processId = id, outputEncoding = 'utf8' }, params)
  local _, request = self:request('process/start', params, function(failure, result)
    if failure then
      self.handlers[id] = nil
    end
    local handler = failure and handlers.on_failed or not failure and handlers.on_started
    if handler then
      handler(failure or result)
    end
  end)
  return id, request
end

--- Sends a request; the callback gets the error or nil, and the result.
---@return boolean, number whether it could be sent, and its id
function Weir:request(method, params, callback)
  return self.rpc.request(method, params, callback or function() end)
end

--- Gives a request up. Its callback is not called any more; a start or run that it was ends what it has started.
function Weir:cancel(request)
  self.rpc.notify('$/cancelRequest', { id = request })
end

--- Writes to a process; with `close` that is all of its input.
function Weir:write(id, text, close)
  self:request('process/write', { processId = id, text = text, close = close or false })
end

--- Ends a process and all that it has started.
function Weir:terminate(id, callback)
  self:request('process/terminate', { processId = id }, callback)
end

--- Stops every process, and the host.
function Weir:stop()
  self:request('shutdown', nil, function()
    self.rpc.notify('exit')
  end)
end

local events = { ['process/output'] = 'on_output', ['process/exited'] = 'on_exited', ['process/closed'] = 'on_closed' }

function Weir:_told(method, event)
  local name = events[method]
  local handlers = name and self.handlers[event.processId]
  if method == 'process/closed' then
    self.handlers[event.processId] = nil
  end
  if handlers and handlers[name] then
    handlers[name](event)
  end
end

function Weir:_asked(method, params)
  if method == 'policy/ask' then
    return { decision = self.ask(params) and 'allow' or 'deny' }
  end
  return nil, vim.lsp.rpc_response_error(vim.lsp.protocol.ErrorCodes.MethodNotFound)
end

return M
