// `pnpm structure`: the rules of structure-rules.ts and of the other files of rules, on this
// repository.
import { exampleRules } from './example-rules.ts'
import { readFiles } from './files.ts'
import { installRules } from './install-rules.ts'
import { manifestRules } from './manifest-rules.ts'
import { loadRules } from './load-rules.ts'
import { pageRules } from './page-rules.ts'
import { rangeRules } from './range-rules.ts'
import { rules } from './structure-rules.ts'
import { supplyRules } from './supply-rules.ts'
import { whereRules } from './where-rules.ts'

const files = readFiles()
const all = [rules, manifestRules, rangeRules, pageRules, exampleRules, supplyRules, installRules, whereRules, loadRules]
const faults = all.flat().flatMap((rule) => rule(files))
for (const fault of faults) console.error(fault)
process.exitCode = faults.length > 0 ? 1 : 0
