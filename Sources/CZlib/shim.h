// crc32, by which DynamoDB seals its replies.
#include <zlib.h>
