return function()
  local reason = clear() or ambiguous(kong.request.get_raw_path())
  if reason then return refuse(403, reason) end
  local level
  local rest = rest_of(kong.request.get_path())
  level, reason = level_of_call(rest)
  if not level then return refuse(403, reason) end
  if not from_there("*") then return refuse(403, "not from this address") end
  local who = "*"
  if not SETTINGS.open then
    local consumer = kong.client.get_consumer()
    who = consumer and consumer.username
    if not who then return refuse(401, "no credentials") end
  end
  local named = renamed[who] or who
  if who ~= "*" and not from_there(named) then return refuse(403, "not from this address") end
  local found
  found, reason = granted(named, level)
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
