-- The guard: decides at request time what acl cannot know. Is there a grant for this level that holds now, for this
-- data, and is the token what it must be. It refuses with a short reason in JSON.
--
-- What it decided, and on which data scope, it leaves in kong.ctx.shared for the access log: its own words alone.
--
-- DATA and SETTINGS stand before this text, written by renkei. The chunk runs once for each change of the plugin: it
-- parses DATA and returns the function that Kong keeps and runs for each request.
--
-- DATA, a line each:
--   scope NAME SERVICE PATH…   Fiware-Service, and what may stand in Fiware-ServicePath: /road/# takes all below
--   scope NAME - PATH…         path prefixes below the API's own; or values of the field of the query
--   realm TENANT REALM         where a tenant's clients live, when it is not the realm of its own name
--   level ROUTE                by their order 1, 2, …
--   call LEVEL PATH METHOD…    what a level takes below the version's path; `*` is one segment; the first that fits decides
--   was FORMER CONSUMER        a renamed service, until its key has changed hands: what CONSUMER may, FORMER may
--   WHO LEVEL SCOPES FROM UNTIL    a grant: SCOPES as `1,3` by their order or `-`; seconds since 1970, or `-`
--
-- WHO is a consumer, or `role:NAME`: people with this role, who call through a consumer that may do the same.
--
-- Routes and plugins are not taken up together: while they change, this may run behind a route that is older or newer
-- than itself, and beside other ways to sign in. So it relies on none of them, and looks at path, method and sort of
-- credential itself: a call passes what was written at one moment, or what was written at another, and no mixture.

local scopes, realms, levels, calls, grants, renamed = {}, {}, {}, {}, {}, {}
local patterns = false -- whether a level has paths

local function segments(path)
  local list = {}
  for segment in path:gmatch("[^/]+") do list[#list + 1] = segment end
  return list
end

for line in DATA:gmatch("[^\n]+") do
  local name, service, paths = line:match("^scope (%S+) (%S+) (.+)$")
  local tenant, realm = line:match("^realm (%S+) (%S+)$")
  local route = line:match("^level (%S+)$")
  local number, pattern, methods = line:match("^call (%d+) (%S+) (.+)$")
  local former, consumer = line:match("^was (%S+) (%S+)$")
  if name then
    local list = {}
    for path in paths:gmatch("%S+") do list[#list + 1] = path end
    scopes[#scopes + 1] = { name = name, service = service, paths = list }
  elseif tenant then
    realms[tenant] = realm
  elseif former then
    renamed[former] = consumer
  elseif route then
    levels[#levels + 1] = route
    levels[route] = #levels
  elseif number then
    local has = {}
    for method in methods:gmatch("%S+") do has[method] = true end
    calls[#calls + 1] = { level = tonumber(number), methods = has, path = segments(pattern),
                          folded = segments(pattern:lower()) }
    patterns = patterns or pattern ~= "/"
  else
    local who, level, which, from, till = line:match("^(%S+) (%d+) (%S+) (%S+) (%S+)$")
    local key = who .. " " .. level
    local list = grants[key] or {}
    list[#list + 1] = { which = which, from = tonumber(from) or 0, till = tonumber(till) or math.huge }
    grants[key] = list
  end
end

-- Headers by which an upstream learns who calls and for what, in lower case. A client's own never reach it.
--   kong    Kong sets the header itself; only where nobody is asked who he is would it pass the client's on
--   ours    the guard may set it
--   never   nobody sets it: the last ones tell some upstreams another method or another path than the one judged here
local RESERVED = {}
local function reserve(who, names)
  for name in names:gmatch("%S+") do RESERVED[name] = who end
end
reserve("kong", [[x-consumer-id x-consumer-username x-consumer-custom-id x-credential-identifier x-anonymous-consumer]])
if SETTINGS.scoping == "fiware-headers" then reserve("ours", [[fiware-service fiware-servicepath]]) end
reserve("ours", "x-data-scope")
reserve("never", [[x-consumer-groups x-authenticated-groups apikey
  x-http-method x-http-method-override x-method-override x-original-method x-forwarded-method
  x-original-url x-original-uri x-rewrite-url x-override-url x-forwarded-url x-forwarded-uri]])
local MOST_HEADERS = 1000  -- Kong shows no more of them

-- The one place that knows the time.
local function now()
  return ngx.time()
end

local function refuse(status, reason, headers)
  kong.ctx.shared.renkei_decision = reason
  return kong.response.exit(status, { message = reason }, headers)
end

-- Whether Connection names a reserved header. Kong takes away what it names, and that after us: also what we have set.
local function takes_away(connection)
  for _, line in ipairs(type(connection) == "table" and connection or { connection }) do
    for name in line:gmatch("[^%s,]+") do
      if RESERVED[name:lower():gsub("_", "-")] then return true end
    end
  end
  return false
end

-- Take away what the client sent under a reserved name, also with underscores: many upstreams take X_Consumer_Username
-- for X-Consumer-Username. The reason when that cannot be done.
local function clear()
  local count = 0
  for name, value in pairs(kong.request.get_headers(MOST_HEADERS)) do
    count = count + (type(value) == "table" and #value or 1)
    local who, odd = RESERVED[name:lower():gsub("_", "-")], name:find("_", 1, true)
    if who == "never" or (who and odd) or (who == "kong" and SETTINGS.open) then
      kong.service.request.clear_header(name)
    end
    if name:lower() == "connection" and takes_away(value) then
      return "the header Connection names one that the gateway sets"
    end
  end
  return count >= MOST_HEADERS and "too many headers" or nil
end

-- Why the path may mean something else to the upstream than to us; nil when it means the same.
local function ambiguous(path)
  local text = path:lower()
  if text:find("%2f", 1, true) or text:find("%5c", 1, true) or text:find("\\", 1, true) or text:find("%00", 1, true) then
    return "the path has an encoded slash, a backslash or a zero byte"
  end
  if patterns and text:find("%%25%x%x") then return "the path has an escape within an escape" end
  if SETTINGS.scoping ~= "path" and not patterns then return nil end
  if text:find("//", 1, true) or text:find(";", 1, true) or text:find("%2e", 1, true) or text:find("%3b", 1, true)
    or text:find("/%.%.?$") or text:find("/%.%.?/") then
    return "the path must be plain: no '//', no dot segments, no ';'"
  end
  return nil
end

-- The scopes that are open now to all of `names` together, by name and in order. nil where nothing is, and whether
-- there is a grant at all.
local function opened(names, level)
  local time, found, order, any, ever = now(), {}, {}, false, false
  for _, name in ipairs(names) do
    for _, grant in ipairs(grants[name .. " " .. level] or {}) do
      ever = true
      if grant.from <= time and time < grant.till then
        any = true
        for number in grant.which:gmatch("%d+") do
          local scope = scopes[tonumber(number)]
          if not found[scope.name] then
            found[scope.name] = scope
            order[#order + 1] = scope
          end
        end
      end
    end
  end
  if not any then return nil, ever end
  return { by_name = found, list = order }
end

-- What is open to the caller itself; nil and the reason when nothing is.
local function granted(who, level)
  local found, ever = opened({ who }, level)
  if found then return found end
  return nil, ever and "outside the period of access" or "no grant for this level of access"
end

-- What is open to the caller and to a person with these roles, both; nil and the reason when nothing is.
local function granted_to_both(found, roles, level)
  local theirs, ever = opened(roles, level)
  if not theirs then
    return nil, ever and "outside the period of access of the role" or "no role with a grant for this level of access"
  end
  local both = { by_name = {}, list = {} }
  for _, scope in ipairs(found.list) do
    if theirs.by_name[scope.name] then
      both.by_name[scope.name] = scope
      both.list[#both.list + 1] = scope
    end
  end
  if SETTINGS.scoping ~= "none" and #both.list == 0 then return nil, "no data scope that a role is granted too" end
  return both
end

-- Whether `path` is `prefix` or stands below it.
local function below(path, prefix)
  if prefix == "/" then return true end
  return path == prefix or path:sub(1, #prefix + 1) == prefix .. "/"
end

-- The path below the version's own, as it goes on to the upstream; nil when it does not lie there. The default is for
-- callers who name no version: what lies in another one is that version's, also when that does not answer.
local function rest_of(path)
  if below(path, SETTINGS.prefix) then return path:sub(#SETTINGS.prefix + 1) end
  if not SETTINGS.default or not below(path, SETTINGS.default) then return nil end
  for other in SETTINGS.others:gmatch("%S+") do
    if below(path, other) then return nil end
  end
  return path:sub(#SETTINGS.default + 1)
end

-- The level that takes this call. With `path` each pattern is taken as it is, with `folded` in small letters.
local function level_of(method, rest, by)
  local list = segments(rest)
  for _, call in ipairs(calls) do
    local fits = call.methods[method] and #call[by] <= #list
    for place, segment in ipairs(call[by]) do
      fits = fits and (segment == "*" or segment == list[place])
    end
    if fits then return call.level end
  end
  return nil
end

-- The level of the call; nil and the reason when it has none. The router found one; the path must say the same, for
-- while routes change another level's may have taken the call.
local function level_of_call(rest)
  local route, method = kong.router.get_route(), kong.request.get_method()
  local level = route and route.name and levels[route.name]
  if not level or not rest or level ~= level_of(method, rest, "path") then
    return nil, "no level of access has this call"
  end
  if patterns and level ~= level_of(method, rest:lower(), "folded") then
    return nil, "the path is another level's but for its case"
  end
  return level
end

-- What was judged is what goes on: the route of a level with paths strips nothing.
local function send_on(rest)
  local base = (kong.router.get_service().path or ""):gsub("/$", "")
  local path = base .. rest
  kong.service.request.set_path(path == "" and "/" or path)
end

-- The client's own Fiware-ServicePath, when it is one plain path inside what the scope holds.
local function narrower(scope)
  local asked = kong.request.get_header("Fiware-ServicePath")
  if not asked or #asked > 256 or not asked:match("^/[%w_/]*#?$") then return nil end
  if asked:find("//", 1, true) or asked:find("[^/]#$") then return nil end
  local plain = asked:gsub("/?#$", "")
  for _, path in ipairs(scope.paths) do
    if path == asked then return asked end
    if path:sub(-2) == "/#" and below(plain, path == "/#" and "/" or path:sub(1, -3)) then return asked end
  end
  return nil
end

local function scoped_by_headers(found)
  local asked = kong.request.get_header("X-Data-Scope")
  local scope = asked and found.by_name[asked] or (not asked and #found.list == 1 and found.list[1])
  if not scope then
    return asked and "data scope not granted" or "several data scopes: name one in the header X-Data-Scope"
  end
  local path = narrower(scope) or table.concat(scope.paths, ",")
  kong.service.request.set_header("Fiware-Service", scope.service)
  kong.service.request.set_header("Fiware-ServicePath", path)
  kong.ctx.shared.renkei_scope = scope.name
  return nil
end

local function scoped_by_path(found, rest)
  for _, scope in ipairs(found.list) do
    for _, prefix in ipairs(scope.paths) do
      if below(rest == "" and "/" or rest, prefix) then
        kong.ctx.shared.renkei_scope = scope.name
        return nil
      end
    end
  end
  return "data scope not granted for this path"
end

-- The name of a field as an upstream may read it: escapes decoded, however often, no case, up to a bracket, and of that
-- letters and digits; nil where it cannot be read.
local function read_as(name)
  local text, before = name:gsub("%+", " "), nil
  repeat
    if text:find("%%%X") or text:find("%%%x%X") or text:find("%%%x?$") then return nil end
    before = text
    text = text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  until text == before
  return (text:lower():gsub("[%[%z].*$", ""):gsub("[^a-z0-9]", ""))
end

-- The values that are granted with their scopes, how many, and the last.
local function granted_values(found)
  local scope_of, count, last = {}, 0, nil
  for _, scope in ipairs(found.list) do
    for _, value in ipairs(scope.paths) do
      if not scope_of[value] then count, last = count + 1, value end
      scope_of[value] = scope_of[value] or scope
    end
  end
  return scope_of, count, last
end

-- The field must stand once, as it is named, with one granted value as it is; left out it is set, where there is but one.
local function scoped_by_query(found)
  local query, field = kong.request.get_raw_query() or "", SETTINGS.field
  local scope_of, count, last = granted_values(found)
  local value, times = nil, 0
  for part in query:gmatch("[^&;]+") do
    local name = read_as(part:match("^[^=]*"))
    if not name then return "the query has a name that cannot be read" end
    if name == read_as(field) then
      times, value = times + 1, part:sub(#field + 2)
    end
  end
  if times == 0 then
    if count ~= 1 then return "several data scopes: name one in the query" end
    value = last
    kong.service.request.set_raw_query((query == "" and "" or query .. "&") .. field .. "=" .. value)
  elseif times > 1 or not ("&" .. query .. "&"):find("&" .. field .. "=" .. value .. "&", 1, true) then
    return "the query must name the data once and plainly"
  end
  if not scope_of[value] then return "data scope not granted" end
  kong.ctx.shared.renkei_scope = scope_of[value].name
  return nil
end

-- Whether a claim is the text, or a list that holds it (RFC 7519, 4.1.3).
local function holds(claim, text)
  if type(claim) ~= "table" then return claim == text end
  for _, one in ipairs(claim) do
    if one == text then return true end
  end
  return false
end

-- The roles of a person, as the table names them.
local function roles_of(claims)
  local said, found = type(claims.realm_access) == "table" and claims.realm_access.roles, {}
  for _, role in ipairs(type(said) == "table" and said or {}) do
    if type(role) == "string" then found[#found + 1] = "role:" .. role end
  end
  return found
end

-- Who has got the token: false for the service itself, the roles of a person who has signed in through it. nil and why
-- where it is not an access token of the service's realm for this platform. `service` is a claim that a login never has.
local function person(who)
  local token = kong.ctx.shared.authenticated_jwt_token
  if not token then
    if SETTINGS.tokens == "only" then return nil, "a token is needed" end
    return false
  end
  if not SETTINGS.tokens then return nil, "no token is taken here" end
  local part = token:match("^[^.]+%.([^.]+)%.[^.]+$")
  local text = part and ngx.decode_base64((part:gsub("-", "+"):gsub("_", "/")) .. ("="):rep(-#part % 4))
  local claims = text and JSON.decode(text)
  if type(claims) ~= "table" or claims.typ ~= "Bearer" or claims.azp ~= who then return nil, "not an access token" end
  local tenant = who:match("^[^.]+")
  if claims.nbf ~= nil and (type(claims.nbf) ~= "number" or claims.nbf > now()) then
    return nil, "a token that is not valid yet"
  end
  if claims.iss ~= SETTINGS.issuer .. (realms[tenant] or tenant) then return nil, "a token of another issuer" end
  if not holds(claims.aud, SETTINGS.audience) then return nil, "a token for another audience" end
  if claims.service == who then return false end
  if claims.service == nil and type(claims.sid) == "string" then return roles_of(claims) end
  return nil, "neither the service's own token nor that of a person"
end

return function()
  local reason = clear() or ambiguous(kong.request.get_raw_path())
  if reason then return refuse(403, reason) end
  local level
  local rest = rest_of(kong.request.get_path())
  level, reason = level_of_call(rest)
  if not level then return refuse(403, reason) end
  local who = "*"
  if not SETTINGS.open then
    local consumer = kong.client.get_consumer()
    who = consumer and consumer.username
    if not who then return refuse(401, "no credentials") end
  end
  local found
  found, reason = granted(renamed[who] or who, level)
  if not found then return refuse(403, reason) end
  if not SETTINGS.open then
    local roles
    roles, reason = person(who)
    if reason then return refuse(401, reason, { ["WWW-Authenticate"] = 'Bearer error="invalid_token"' }) end
    if roles and SETTINGS.callers == "service" then return refuse(403, "not for users") end
    if not roles and SETTINGS.callers == "user" then return refuse(403, "only for users") end
    if roles then
      found, reason = granted_to_both(found, roles, level)
      if not found then return refuse(403, reason) end
    end
  end
  if SETTINGS.scoping == "fiware-headers" then reason = scoped_by_headers(found) end
  if SETTINGS.scoping == "path" then reason = scoped_by_path(found, rest) end
  if SETTINGS.scoping == "query" then reason = scoped_by_query(found) end
  if reason then return refuse(403, reason) end
  if patterns then send_on(rest) end
  kong.service.request.clear_header("X-Data-Scope")
  kong.ctx.shared.renkei_decision = "allowed"
end
