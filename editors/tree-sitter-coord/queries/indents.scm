[
  (block)
  (list)
  (group)
  (arguments)
] @indent.begin

["}" "]" ")"] @indent.branch @indent.end

; a script keeps its own
(fence_content) @indent.ignore
(fence_end) @indent.branch
