; Blocks are no namespaces: a name is known in its whole file.
(source_file) @local.scope

((statement
  keyword: (keyword) @_statement
  .
  (word) @local.definition)
  (#any-of? @_statement
    "project" "param" "agent" "human" "tier" "group" "task" "phase" "sync" "milestone" "workflow"
    "resource" "escalation" "conflict" "incident" "mode" "channel" "template" "metric"
    "dashboard" "diagram"))

((statement
  keyword: (keyword) @_statement
  .
  (call name: (word) @local.definition))
  (#eq? @_statement "workflow"))

; these declare at the top, and name what is declared elsewhere
((source_file
  (statement
    keyword: (keyword) @_statement
    .
    (word) @local.definition))
  (#any-of? @_statement "calendar" "domain" "gate" "handoff" "secret"))

(word) @local.reference
