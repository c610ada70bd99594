import cluster from 'node:cluster'
import { attacks } from './hostile-attacks.ts'

/** The form of the real value, and of a decoy. */
const form = /sk_live_[0-9A-Za-z]{24}/g

/** The tokens that an attack saw; what else it saw would be too much to print. */
async function outcomeOf(attack: () => string | Promise<string>): Promise<readonly string[]> {
  try {
    return [...new Set((await attack()).match(form))]
  } catch {
    return []
  }
}

if (cluster.isWorker) {
  process.send?.(`${process.env['TOKEN']} ${JSON.stringify(process.env)}`)
} else {
  const outcomes: Record<string, readonly string[]> = {}
  for (const [name, attack] of Object.entries(attacks)) outcomes[name] = await outcomeOf(attack)
  process.stdout.write(JSON.stringify(outcomes))
  process.exit()
}
