import { powerDrill } from './power/power-drill.ts'
import { tornDrill } from './power/torn-drill.ts'
for (const d of [tornDrill, powerDrill]) {
  const t = Date.now()
  const tally = await d.run((process.argv[2] as 'short') ?? 'short')
  tally.faults.splice(20)
  console.log(tally, Date.now() - t)
}
