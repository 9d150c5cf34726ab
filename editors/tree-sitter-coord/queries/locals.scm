; Blocks are no namespaces: a name is known in its whole file.
(source_file) @local.scope

(statement
  keyword: (keyword
    ["project" "param" "agent" "human" "tier" "group" "task" "phase" "sync" "milestone" "workflow"
     "resource" "escalation" "conflict" "incident" "mode" "channel" "template" "metric"
     "dashboard" "diagram"])
  .
  (word) @local.definition)

(statement
  keyword: (keyword "workflow")
  .
  (call name: (word) @local.definition))

; these declare at the top, and name what is declared elsewhere
(source_file
  (statement
    keyword: (keyword ["calendar" "domain" "gate" "handoff" "secret"])
    .
    (word) @local.definition))

(word) @local.reference
