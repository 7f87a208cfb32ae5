-- Whether a claim is the text, or a list that holds it (RFC 7519, 4.1.3).
local function holds(claim, text)
  if type(claim) ~= "table" then return claim == text end
  for _, one in ipairs(claim) do
    if one == text then return true end
  end
  return false
end

-- The roles of a person, as the table names them, and the data for which she has consented.
local function roles_of(claims)
  local said, found = type(claims.realm_access) == "table" and claims.realm_access.roles, {}
  for _, role in ipairs(type(said) == "table" and said or {}) do
    if type(role) == "string" then found[#found + 1] = "role:" .. role end
  end
  found.consent = type(claims.data) == "table" and claims.data or {}
  return found
end

-- Who has got the token: false for the service itself, the roles of a person who has signed in through it. nil and why
-- where it is not an access token of the service's realm for this platform. `service` is a claim that a login never has.
-- Of another platform's tokens only those count that its client has got for itself, never those of a person.
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
  local theirs, tenant = trusted[renamed[who] or who], who:match("^[^.]+")
  local client = theirs and theirs.client or who
  if type(claims) ~= "table" or claims.typ ~= "Bearer" or claims.azp ~= client then return nil, "not an access token" end
  if claims.nbf ~= nil and (type(claims.nbf) ~= "number" or claims.nbf > now()) then
    return nil, "a token that is not valid yet"
  end
  local issuer = theirs and theirs.issuer or SETTINGS.issuer .. (realms[tenant] or tenant)
  if claims.iss ~= issuer then return nil, "a token of another issuer" end
  if not holds(claims.aud, theirs and theirs.audience or SETTINGS.audience) then
    return nil, "a token for another audience"
  end
  if theirs then
    local own = claims.service == client or claims.service == nil and claims.client_id == client
    if own and claims.sid == nil then return false end
    return nil, "not a token that the service has got for itself"
  end
  if claims.service == who then return false end
  if claims.service == nil and type(claims.sid) == "string" then return roles_of(claims) end
  return nil, "neither the service's own token nor that of a person"
end
