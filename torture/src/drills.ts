import type { Drill } from './drill.ts'
import { killDrill } from './kill/kill-drill.ts'
import { powerDrill } from './power/power-drill.ts'
import { tornDrill } from './power/torn-drill.ts'
import { writersDrill } from './writers/writers-drill.ts'

/** In the order in which `pnpm torture` runs them. */
export const drills: readonly Drill[] = [killDrill, writersDrill, tornDrill, powerDrill]
