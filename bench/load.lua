-- What wrk sends: the lines of a file, one a request ("METHOD PATH<tab>body<tab>idempotency key"), none twice until the
-- file ends. Prints one JSON object at the end.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  path = args[1]
  lines = io.lines(path)
  counts, again = {}, 0
end

function request()
  local line = lines()
  if not line then
    again = again + 1
    lines = io.lines(path)
    line = lines()
  end
  local method, address, body, key = line:match("^(%u+) ([^\t]+)\t([^\t]*)\t?(.*)$")
  local headers = {}
  if body ~= "" then headers["Content-Type"] = "application/json" end
  if key ~= "" then headers["Idempotency-Key"] = key end
  return wrk.format(method, address, headers, body ~= "" and body or nil)
end

function response(status)
  local name = tostring(status)
  counts[name] = (counts[name] or 0) + 1
end

function done(summary, latency, requests)
  local counted, rounds = {}, 0
  for _, thread in ipairs(threads) do
    for name, count in pairs(thread:get("counts")) do counted[name] = (counted[name] or 0) + count end
    rounds = math.max(rounds, thread:get("again"))
  end
  local parts = {}
  for name, count in pairs(counted) do table.insert(parts, string.format('"%s": %d', name, count)) end
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.3f, "p50": %.3f, "p99": %.3f, "max": %.3f, "again": %d, "status": {%s}, ' ..
    '"errors": {"connect": %d, "read": %d, "write": %d, "timeout": %d}}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, rounds, table.concat(parts, ", "), errors.connect, errors.read, errors.write, errors.timeout))
end
