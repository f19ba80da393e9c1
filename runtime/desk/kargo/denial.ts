/** The gate's own words, without the names of the policy and of an object that never came to be. */
export function denialInWords(message: string): string {
  return message.replace(/^.*?denied (?:the )?request: /s, '');
}

/** Whether a message is the refusal of an admission policy or webhook. */
export function isDenial(message: string): boolean {
  return /denied (?:the )?request: /.test(message);
}
