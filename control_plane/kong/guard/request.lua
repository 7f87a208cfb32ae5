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
