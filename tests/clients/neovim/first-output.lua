-- How long it takes from asking for a command to its first output: through Weir, and run directly by Neovim, in turns,
-- so that whatever else the machine does meets both.

local runs = tonumber(vim.env.WEIR_RUNS or 50)
local argv = { 'echo', 'first' }
local weir = require('weir').connect({ cmd = { vim.env.WEIR_BIN or 'weir', '--no-config' } })

local function time(start)
  local begun, seen = vim.loop.hrtime(), nil
  start(function()
    seen = seen or vim.loop.hrtime()
  end)
  assert(vim.wait(20000, function()
    return seen
  end, 10))
  return (seen - begun) / 1e6
end

local function median(times)
  table.sort(times)
  return times[math.floor(#times / 2) + 1]
end

local through, directly = {}, {}
for _ = 1, runs do
  table.insert(through, time(function(seen)
    weir:start({ argv = argv }, { on_output = seen })
  end))
  table.insert(directly, time(function(seen)
    vim.fn.jobstart(argv, { on_stdout = seen })
  end))
end
weir:stop()
local text = 'first output: %.1f ms through Weir, %.1f ms directly (median of %d)\n'
io.stdout:write(text:format(median(through), median(directly), runs))
vim.cmd('qall!')
