-- The cage in which functions of pre-function, post-function and custom_fields_by_lua run.
--
-- Called once per state as `cage(call, requires)`: `call(name, ...)` asks Python and gives true and values, or false and a message;
-- `requires` lists the modules that may be loaded. Gives the functions that Python needs.
-- What is offered is what Kong offers with untrusted_lua=sandbox; nothing of the host's own globals is reachable from inside.
local call, requires = ...

local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local error, type, tostring, pairs, ipairs, select = error, type, tostring, pairs, ipairs, select
local setmetatable, setfenv, loadstring, rawget, next, pcall = setmetatable, setfenv, loadstring, rawget, next, pcall
local sethook, real_time, real_date = debug.sethook, os.time, os.date

local null = newproxy()
string.dump = nil

-- ---------------------------------------------------------------- limits

local STEP = 100000 -- instructions between two looks
local left = 0

local function look()
  left = left - 1
  if left <= 0 then
    sethook(look, "", 1) -- from here on every instruction fails, so that no pcall goes on
    error("too many instructions", 2)
  end
end

local function begin(steps)
  left = steps
  sethook(look, "", STEP)
end

-- ---------------------------------------------------------------- what is offered

local function ask(name)
  return function(...)
    local ok, value, more = call(name, ...)
    if not ok then error(value, 2) end
    return value, more
  end
end

local function asks(prefix, names)
  local found = {}
  for name in names:gmatch("%S+") do found[name] = ask(prefix .. name) end
  return found
end

local function copy(from, names)
  local found = {}
  for name in names:gmatch("%S+") do found[name] = from[name] end
  return found
end

local function nothing() end

local function case_blind(headers)
  return setmetatable(headers, { __index = function(t, key)
    return type(key) == "string" and rawget(t, (key:lower():gsub("_", "-"))) or nil
  end })
end

local request = asks("request.", [[get_method get_scheme get_host get_port get_http_version get_path get_raw_path
  get_path_with_query get_raw_query get_query get_query_arg get_header get_raw_body get_body get_start_time get_uri_captures
  get_forwarded_scheme get_forwarded_host get_forwarded_port get_forwarded_path get_forwarded_prefix]])
local request_headers, response_headers = ask("request.get_headers"), ask("response.get_headers")
function request.get_headers() return case_blind(request_headers()) end

local response = asks("response.", [[get_status get_header get_source set_status set_header add_header clear_header set_headers
  get_raw_body set_raw_body]])
function response.get_headers() return case_blind(response_headers()) end
local ask_exit, ask_error = ask("response.exit"), ask("response.error")
function response.exit(...)
  ask_exit(...)
  yield() -- leaves the function for good: nobody resumes it
end
function response.error(...)
  ask_error(...)
  yield()
end

local function log_table()
  local log = { set_serialize_value = ask("log.set_serialize_value"), inspect = nothing }
  for level in ("debug info notice warn err error crit alert emerg"):gmatch("%S+") do log[level] = nothing end
  return setmetatable(log, { __call = nothing })
end

local kong = {
  version = "3.9.3",
  version_num = 3009003,
  ctx = {},
  log = log_table(),
  request = request,
  response = response,
  client = asks("client.", "get_ip get_forwarded_ip get_port get_forwarded_port get_consumer get_credential get_protocol"),
  router = asks("router.", "get_route get_service"),
  service = {
    request = asks("service.request.", [[set_header add_header clear_header set_headers set_path set_query set_raw_query
      set_method set_scheme set_raw_body enable_buffering]]),
    response = asks("service.response.", "get_status get_header get_headers"),
  },
}

local ngx = asks("ngx.", [[now time today utctime http_time parse_http_time decode_base64 encode_base64 escape_uri
  unescape_uri]])
ngx.null = null
ngx.update_time = nothing
ngx.log = nothing
ngx.re = asks("ngx.re.", "match find")
ngx.var = setmetatable({}, { __index = function(_, name) return (select(2, call("ngx.var", name))) end, __newindex = nothing })
for i, level in pairs { [0] = "STDERR", "EMERG", "ALERT", "CRIT", "ERR", "WARN", "NOTICE", "INFO", "DEBUG" } do ngx[level] = i end

local os_table = { clock = os.clock, difftime = os.difftime }
function os_table.time(t) return t and real_time(t) or ngx.time() end
function os_table.date(format, t) return real_date(format or "%c", t or ngx.time()) end

local table_table = copy(table, "concat foreach foreachi getn insert maxn move remove sort unpack")
table_table.unpack = unpack
function table_table.pack(...) return { n = select("#", ...), ... } end
function table_table.new() return {} end
function table_table.clear(t) for key in pairs(t) do t[key] = nil end end
function table_table.nkeys(t) local n = 0 for _ in pairs(t) do n = n + 1 end return n end
function table_table.isempty(t) return next(t) == nil end
function table_table.isarray(t) return table_table.nkeys(t) == #t end
function table_table.clone(t) local made = {} for key, value in pairs(t) do made[key] = value end return made end

local encode, decode = ask("json.encode"), ask("json.decode")
local modules = {
  ["cjson.safe"] = {
    null = null,
    encode = function(value)
      local ok, text = pcall(encode, value)
      if ok then return text end
      return nil, text
    end,
    decode = function(text)
      local ok, value = pcall(decode, text)
      if ok then return value end
      return nil, value
    end,
  },
  cjson = { null = null, encode = encode, decode = decode },
}

local function require_module(name)
  for _, allowed in ipairs(requires) do
    if allowed == name and modules[name] then return modules[name] end
  end
  error("require '" .. tostring(name) .. "' not allowed within sandbox", 2)
end

local base = copy(_G, "_VERSION assert error ipairs next pairs pcall select tonumber tostring type unpack")
-- Lua's own xpcall calls its handler inside of the failing hook, where instructions are not counted.
function base.xpcall(fn, handler, ...)
  local given = table_table.pack(pcall(fn, ...))
  if given[1] then return unpack(given, 1, given.n) end
  return false, select(2, pcall(handler, given[2]))
end
base.print = nothing
base.require = require_module
base.kong, base.ngx, base.os, base.table = kong, ngx, os_table, table_table
base.bit = copy(require("bit"), "arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex")
base.coroutine = copy(coroutine, "create resume running status wrap yield")
base.math = copy(math, [[abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max min modf pi
  pow rad random sin sinh sqrt tan tanh]])
base.string = copy(string, "byte char find format gmatch gsub len lower match rep reverse sub upper")

-- ---------------------------------------------------------------- for Python

-- Text as a function with globals of its own; nil and a message if it is no Lua. Bytecode is never taken.
local function load(source, name)
  if source:byte(1) == 27 then return nil, "bytecode" end
  local made, message = loadstring(source, name)
  if not made then return nil, message end
  return setfenv(made, setmetatable({}, { __index = base }))
end

-- True and what the function gave, or false and a message. A function that left by exit gives nothing.
local function run(fn)
  local ok, value = resume(create(fn))
  if ok then return true, value end
  return false, type(value) == "string" and value or "error"
end

local function context(shared, plugin)
  kong.ctx.shared, kong.ctx.plugin = shared, plugin
end

python, debug, io, package = nil, nil, nil, nil
return { begin = begin, load = load, run = run, context = context, null = null }
