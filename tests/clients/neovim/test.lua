-- What weir.lua relies on, against the `weir` of $WEIR_BIN:
--
--   nvim --headless --clean --cmd 'set rtp+=.' -S test.lua

local asked = {}
local answer = true
local command = { vim.env.WEIR_BIN or 'weir', '--config', vim.env.WEIR_CONFIG or '../weir.toml' }
local weir = require('weir').connect({
  cmd = command,
  ask = function(question)
    table.insert(asked, question.argv)
    return answer
  end,
})

--- Lets events come in until the condition holds.
local function wait(condition, what)
  assert(vim.wait(20000, condition, 10), 'expected ' .. what)
end

local function equal(seen, expected)
  assert(vim.deep_equal(seen, expected), ('expected %s, saw %s'):format(vim.inspect(expected), vim.inspect(seen)))
end

--- The result of a request, or its error.
local function call(method, params)
  local done, failure, result
  weir:request(method, params, function(...)
    done, failure, result = true, ...
  end)
  wait(function()
    return done
  end, 'an answer to ' .. method)
  return result, failure
end

--- Runs a command to its close and gives its events, or the error.
local function follow(params, handlers)
  handlers = handlers or {}
  local seen, failed = {}, nil
  local id = weir:start(params, {
    on_output = function(event)
      table.insert(seen, event.text)
    end,
    on_exited = function(event)
      table.insert(seen, event.exitCode)
      if handlers.on_exited then
        handlers.on_exited(event)
      end
    end,
    on_closed = function(event)
      seen.closed = event
    end,
    on_started = handlers.on_started,
    on_failed = function(failure)
      failed = failure
    end,
  })
  if handlers.meanwhile then
    handlers.meanwhile(id)
  end
  wait(function()
    return seen.closed or failed
  end, 'the close or a failure')
  return seen, failed
end

local tests = {}

function tests.output_after_the_exit_is_told()
  local gate = vim.fn.tempname()
  vim.fn.system({ 'mkfifo', gate })
  local script = ('echo early; (read line < %s; echo late) & exit 3'):format(gate)
  local seen = follow({ argv = { 'sh', '-c', script } }, {
    on_exited = function(event)
      equal(event.streamsOpen, { 'stdout', 'stderr' })
      vim.fn.writefile({ '' }, gate)
    end,
  })
  equal(seen.closed.droppedBytes, 0)
  seen.closed = nil
  equal(seen, { 'early\n', 3, 'late\n' })
end

function tests.characters_of_several_bytes_are_carried()
  local text = 'grüße, 世界 🌊\n'
  local seen = follow({ argv = { 'cat' }, pipeStdin = true }, {
    meanwhile = function(id)
      weir:write(id, text, true)
    end,
  })
  equal(seen[1], text)
end

function tests.nothing_of_much_output_is_lost()
  local seen = follow({ argv = { 'sh', '-c', 'yes 0123456789abcde | head -c 4194304' } })
  equal(table.remove(seen), 0)
  equal(#table.concat(seen), 4194304)
  equal(seen.closed.totalBytes, 4194304)
  equal(seen.closed.droppedBytes, 0)
end

function tests.whole_trees_end()
  local id = weir:start({ argv = { 'sh', '-c', 'sleep 1000 & sleep 1000' } }, {})
  local terminated = call('process/terminate', { processId = id })
  equal(terminated.running, true)
  equal(terminated.survivors, {})
end

function tests.a_failure_says_why()
  local _, failure = follow({ argv = { 'no-such-program' } })
  equal(failure.data.kind, 'spawnFailed')
  assert(tostring(failure):find('no-such-program', 1, true), tostring(failure))
end

-- An empty table is `[]` in JSON, whatever it was meant to be.
function tests.an_empty_table_is_an_empty_object()
  local result, failure = call('process/list', {})
  equal(failure, nil)
  equal(vim.tbl_islist(result.processes), true)
  local seen = follow({ argv = { '/usr/bin/env' }, env = {}, metadata = {} })
  seen.closed = nil
  equal(seen, { 0 })
end

function tests.a_cancelled_request_leaves_the_process_alone()
  local id = weir:start({ argv = { 'sleep', '1000' } }, {})
  local called = false
  local _, request = weir:request('process/wait', { processId = id, ['until'] = 'close' }, function()
    called = true
  end)
  weir:cancel(request)
  equal(call('process/terminate', { processId = id }).running, true)
  equal(called, false)
end

function tests.the_user_is_asked()
  local seen = follow({ argv = { 'tee', '/dev/null' } })
  equal(seen[1], 0)
  equal(asked, { { 'tee', '/dev/null' } })
  answer = false
  local _, failure = follow({ argv = { 'tee', '/dev/null' } })
  equal(failure.data.kind, 'policyDenied')
end

local names = vim.tbl_keys(tests)
table.sort(names)
local failed = 0
for _, name in ipairs(names) do
  local ok, trace = xpcall(tests[name], debug.traceback)
  failed = failed + (ok and 0 or 1)
  io.stdout:write(('%s %s\n%s'):format(ok and 'ok    ' or 'FAILED', name, ok and '' or trace .. '\n'))
end
weir:stop()
vim.wait(20000, function()
  return weir.status
end, 10)
io.stdout:write(('%d failed; the host ended with %s\n'):format(failed, weir.status))
vim.cmd((failed == 0 and weir.status == 0) and 'qall!' or 'cquit')
