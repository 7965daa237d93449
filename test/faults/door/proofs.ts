import { DoorProof, UsedNonces } from '../../../daemon/door/proof.ts';
import { hmac, nonce } from '../../../daemon/door/secrets.ts';
import { proofText } from '../../../protocol/client.ts';
import { seededRandom } from '../../clouds/azure/random.ts';
import { choose, damaged, noise, type Random } from './mutations.ts';

export interface Guesses {
  refused: number;
  /** The door said its own proof, or let somebody in. */
  taken: string[];
}

/**
 * So many wrong first proofs for one secret: random, with a bit flipped, under another label, for another instance, with another
 * secret's key. A right one that is tried at the end must be taken, so that "refused" means something.
 * @throws Error when the right one is refused.
 */
export function guess(count: number, seed: number): Guesses {
  const random = seededRandom(seed);
  const [secret, other, instance] = [nonce(), nonce(), '2f6f4a0e-9d0e-4a61-8a8e-0f6a7f1f2b11'];
  const used = new UsedNonces();
  const told: Guesses = { refused: 0, taken: [] };
  const right = (own: string) => hmac(secret, proofText('c1', instance, own));
  const prove = (text: string) => hmac(secret, text);
  for (let at = 0; at < count; at++) {
    const own = noise(random, 32).toString('hex');
    const text = wrong(random, { secret, other, instance, own, right: () => right(own) });
    if (new DoorProof(prove, instance, used).take(text) === 'refused') told.refused += 1;
    else told.taken.push(text);
  }
  const own = nonce();
  const answer = new DoorProof(prove, instance, used).take(JSON.stringify({ proof: 'c1', instance, nonce: own, mac: right(own) }));
  if (typeof answer === 'string') throw new Error('The right proof is refused');
  return told;
}

interface Known {
  secret: string;
  other: string;
  instance: string;
  own: string;
  right: () => string;
}

function wrong(random: Random, { secret, other, instance, own, right }: Known): string {
  const first = (parts: { mac?: string; nonce?: string }) =>
    JSON.stringify({ proof: 'c1', instance, nonce: own, mac: parts.mac ?? right(), ...parts });
  switch (Math.floor(random() * 16)) {
    case 0:
      return first({ mac: hmac(other, proofText('c1', instance, own)) });
    case 1:
      return first({ mac: hmac(secret, proofText(choose(random, ['c2', 'd']), instance, own)) });
    case 2:
      return first({ nonce: noise(random, 32).toString('hex') });
    case 3: {
      const bits = Buffer.from(right(), 'hex');
      const at = Math.floor(random() * 256);
      bits[at >> 3] = (bits[at >> 3] ?? 0) ^ (1 << (at & 7));
      return first({ mac: bits.toString('hex') });
    }
    case 4: {
      const mac = right();
      return first({ mac: choose(random, [mac.toUpperCase(), mac.slice(2), `${mac}00`, ` ${mac}`]) });
    }
    case 5: {
      const whole = first({});
      const text = damaged(random, Buffer.from(whole)).toString('latin1');
      // White space around JSON changes nothing of what it says; nor do damages that undo each other.
      return meansTheSame(text, whole) ? first({ mac: own }) : text;
    }
    default:
      return first({ mac: noise(random, 32).toString('hex') });
  }
}

function meansTheSame(text: string, whole: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === whole;
  } catch {
    return false;
  }
}
