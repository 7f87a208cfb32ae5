-- The guard: decides at request time what acl cannot know. Is there a grant for this level that holds now, for this
-- data, and is the token what it must be. It refuses with a short reason in JSON.
--
-- What it decided, and on which data scope, it leaves in kong.ctx.shared for the access log: its own words alone.
--
-- The files of this directory are one text, in the order that policies/chunk.py names; DATA and SETTINGS stand before
-- it, written by renkei. The chunk runs once for each change of the plugin: it parses DATA and returns the function that
-- Kong keeps and runs for each request.
--
-- DATA, a line each:
--   scope NAME SERVICE PATH…   Fiware-Service, and what may stand in Fiware-ServicePath: /road/# takes all below
--   scope NAME - PATH…         path prefixes below the API's own; or values of the field of the query
--   realm TENANT REALM         where a tenant's clients live, when it is not the realm of its own name
--   level ROUTE                by their order 1, 2, …
--   call LEVEL PATH METHOD…    what a level takes below the version's path; `*` is one segment; the first that fits decides
--   from WHO NETWORK…          addresses that may call; from `*` for everybody, and of a consumer besides
--   asks SCOPE                 people open it only with their consent, which their token tells
--   trusts CONSUMER ISSUER CLIENT AUDIENCE    its tokens are another platform's, of this client there
--   was FORMER CONSUMER        a renamed service, until its key has changed hands: what CONSUMER may, FORMER may
--   WHO LEVEL SCOPES FROM UNTIL    a grant: SCOPES as `1,3` by their order or `-`; seconds since 1970, or `-`
--
-- WHO is a consumer, or `role:NAME`: people with this role, who call through a consumer that may do the same.
--
-- Routes and plugins are not taken up together: while they change, this may run behind a route that is older or newer
-- than itself, and beside other ways to sign in. So it relies on none of them, and looks at path, method and sort of
-- credential itself: a call passes what was written at one moment, or what was written at another, and no mixture.

local scopes, realms, levels, calls, grants, renamed, networks, trusted, asks = {}, {}, {}, {}, {}, {}, {}, {}, {}
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
  local caller, list = line:match("^from (%S+) (.+)$")
  local whose, issuer, client, audience = line:match("^trusts (%S+) (%S+) (%S+) (%S+)$")
  local asked = line:match("^asks (%S+)$")
  local former, consumer = line:match("^was (%S+) (%S+)$")
  if name then
    local list = {}
    for path in paths:gmatch("%S+") do list[#list + 1] = path end
    scopes[#scopes + 1] = { name = name, service = service, paths = list }
  elseif tenant then
    realms[tenant] = realm
  elseif caller then
    networks[caller] = list
  elseif whose then
    trusted[whose] = { issuer = issuer, client = client, audience = audience }
  elseif asked then
    asks[asked] = true
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
