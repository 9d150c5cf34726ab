[
  (block)
  (list)
  (group)
  (arguments)
  (fence)
] @fold

(doc_comment)+ @fold
