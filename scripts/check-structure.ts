// `pnpm structure`: the rules of structure-rules.ts and supply-rules.ts on this repository.
import { readFiles } from './files.ts'
import { rules } from './structure-rules.ts'
import { supplyRules } from './supply-rules.ts'

const files = readFiles()
const faults = [...rules, ...supplyRules].flatMap((rule) => rule(files))
for (const fault of faults) console.error(fault)
process.exitCode = faults.length > 0 ? 1 : 0
