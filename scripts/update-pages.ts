// `pnpm pages:update`: writes charts and tables into the documents.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readFiles, root } from './files.ts'
import { writtenFiles } from './site/written.ts'

for (const [path, text] of writtenFiles(readFiles())) {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
